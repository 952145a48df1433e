"""Signing in by OpenID Connect against a real provider on loopback: who gets in, who does not, and that only where it is configured."""

import logging
from urllib.parse import parse_qs, urlsplit

import flow
import httpx
import oidc_provider_mock
import psycopg
import pytest
from joserfc.jwk import KeySet, RSAKey
from oidc_provider_mock import User
from served_room import ANN, Person
from trust_benchmarks.portal import provider
from trust_benchmarks.stores import settings, warehouse

CLIENT = "trust-room"
PEOPLE = {
    "ann": {"email": ANN.upper(), "email_verified": True},
    "unverified": {"email": ANN, "email_verified": False},
    "says text": {"email": ANN, "email_verified": "true"},
    "no address": {},
    "stranger": {"email": "eve@elsewhere.example", "email_verified": True},
}


@pytest.fixture(scope="module")
def issuer():
    """The address of a provider with people of each sort."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    people = [User(sub=name, claims=claims) for name, claims in PEOPLE.items()]
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(autouse=True)
def configured(room, issuer, monkeypatch):
    """The room signs in by that provider."""
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    given = {provider.ISSUER: issuer, provider.CLIENT: CLIENT, provider.SECRET: "a secret", provider.NAME: "NHSmail"}
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    warehouse.migrate()


def at_provider(person: Person, sub: str) -> str:
    """Goes to the provider and signs in there; the path to which it sends the browser back."""
    there = person.get("/sign-in/provider").headers["location"]
    answer = httpx.post(there, data={"sub": sub}, trust_env=False)
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


def actions() -> list[str]:
    return [
        about
        for (about,) in flow.rows("SELECT about FROM core.room_action WHERE action = 'signed in' ORDER BY action_id")
    ]


def test_the_contact_of_a_verified_address_is_signed_in_and_it_is_noted(stranger):
    page = stranger.get("/sign-in").text
    assert "Sign in with NHSmail" in page and "Send me a link" in page
    before = len(actions())
    answer = stranger.get(at_provider(stranger, "ann"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert ANN in stranger.get("/account").text and "by NHSmail" in stranger.get("/account").text
    assert actions()[before:] == ["from 127.0.0.1, by NHSmail"]


def test_the_question_has_state_nonce_and_a_challenge_and_the_cookie_is_for_this_browser_alone(stranger, room):
    answer = stranger.get("/sign-in/provider")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [room + provider.BACK]
    assert {"state", "nonce", "code_challenge"} <= asked.keys() and asked["scope"] == ["openid email"]
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("tb_room_provider=")]
    assert "HttpOnly" in cookie and asked["code_challenge"][0] not in cookie
    assert asked["state"][0] in cookie


@pytest.mark.parametrize("sub", ["unverified", "says text", "no address", "stranger"])
def test_nobody_else_gets_in(stranger, sub):
    before = len(actions())
    answer = stranger.get(at_provider(stranger, sub))
    assert answer.status_code == 403 and "You are not signed in" in answer.text
    assert stranger.get("/account").headers["location"] == "/sign-in" and len(actions()) == before


def test_an_answer_is_of_use_once_and_in_its_own_browser(room, stranger):
    back = at_provider(stranger, "ann")
    with Person(room) as other:
        assert "in another browser" in other.get(back).text
        other.get("/sign-in/provider")
        assert other.get(back).status_code == 403, "its state is another one"
    assert stranger.get(back).status_code == 303
    assert stranger.get(back).status_code == 403, "used again"


def test_who_is_refused_there_or_comes_with_a_made_up_code_is_told_so(stranger):
    stranger.get("/sign-in/provider")
    state = stranger.cookies["tb_room_provider"].partition(".")[0]
    refused = stranger.get(f"{provider.BACK}?error=access_denied&state={state}")
    assert refused.status_code == 403 and "NHSmail did not sign you in" in refused.text
    stranger.get("/sign-in/provider")
    state = stranger.cookies["tb_room_provider"].partition(".")[0]
    assert stranger.get(f"{provider.BACK}?code=made-up&state={state}").status_code == 403


def otherwise(patch, what: str) -> None:
    """The token is read by somebody whom it is not for: of another issuer, client, key, question or day."""
    real, other = provider._claims, KeySet([RSAKey.generate_key(2048)])
    if what == "issuer":
        patch.setattr(provider, "_issuer_named", lambda: "https://elsewhere.example")
    if what == "key":
        patch.setattr(provider, "_keys", lambda anew=False: other)
    if what == "question":
        patch.setattr(provider, "_claims", lambda token, nonce: real(token, "x" * 43))
    if what == "day":
        patch.setattr(provider, "LEEWAY", -86_400)
    if what == "client":

        def claims(token, nonce):
            patch.setenv(provider.CLIENT, "somebody else")
            return real(token, nonce)

        patch.setattr(provider, "_claims", claims)


@pytest.mark.parametrize("what", ["issuer", "client", "key", "question", "day"])
def test_a_token_that_is_for_something_else_signs_nobody_in(stranger, monkeypatch, what):
    back = at_provider(stranger, "ann")
    with monkeypatch.context() as patch:
        otherwise(patch, what)
        answer = stranger.get(back)
    assert answer.status_code == 403 and "could not be used" in answer.text
    assert stranger.get("/account").status_code == 303


def test_links_can_be_off(stranger, monkeypatch):
    page = stranger.get("/sign-in")
    monkeypatch.setenv(provider.LINKS, "off")
    assert "Send me a link" not in stranger.get("/sign-in").text
    assert stranger.submit("/sign-in", page, mail=ANN).status_code == 404
    monkeypatch.delenv(provider.ISSUER)
    assert "Send me a link" in stranger.get("/sign-in").text, "without a provider there are links"


def test_without_a_provider_the_room_has_no_right_to_sign_in_anybody(stranger, monkeypatch):
    monkeypatch.delenv(provider.ISSUER)
    warehouse.migrate()
    assert stranger.get("/sign-in/provider").status_code == 404 and stranger.get(provider.BACK).status_code == 404
    with warehouse.connect("trust_room") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT room.begin_session_of(%s, 'x', 'x')", [ANN])


def test_a_provider_that_cannot_be_reached_is_told_of_and_one_without_tls_is_refused(stranger, monkeypatch):
    monkeypatch.setenv(provider.ISSUER, "http://127.0.0.1:9")
    assert "cannot be reached" in stranger.get("/sign-in/provider").text
    monkeypatch.setenv(provider.ISSUER, "http://login.example.nhs.uk")
    with pytest.raises(settings.Unconfigured, match="https"):
        provider.check()
    monkeypatch.setenv(provider.ISSUER, "https://login.example.nhs.uk")
    monkeypatch.delenv(provider.CLIENT)
    with pytest.raises(settings.Unconfigured, match=provider.CLIENT):
        provider.check()
