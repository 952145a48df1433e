"""Signing in by OpenID Connect, where a provider is configured: authorization code with PKCE, state and nonce.

The provider says which address it has verified; the database finds the contact of that address, and nobody else gets in.
"""

import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ..stores import settings, warehouse
from . import pages

ISSUER = warehouse.PROVIDER
CLIENT, SECRET, NAME = "TB_ROOM_OIDC_CLIENT", "TB_ROOM_OIDC_SECRET", "TB_ROOM_OIDC_NAME"
LINKS = "TB_ROOM_LINKS"  # "off": links are not mailed
BACK = "/sign-in/back"
ALGORITHMS = ["RS256", "PS256", "ES256"]
PATIENCE = 10.0  # seconds that the provider may take for an answer
KEPT = 3600.0  # seconds that its addresses and keys are believed
LEEWAY = 60  # seconds that its clock may differ


class NotSignedIn(Exception):
    """The provider signed nobody in; the message says why, for the person."""


@dataclass(frozen=True)
class Started:
    """What the browser keeps, in a cookie, while its person is at the provider."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Started":
        """Something that nobody can guess."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @classmethod
    def of(cls, cookie: str) -> "Started | None":
        """What a cookie holds; None where it holds nothing of the kind."""
        parts = cookie.split(".")
        return cls(*parts) if len(parts) == 3 and all(len(part) == 43 for part in parts) else None

    def __str__(self) -> str:
        return ".".join((self.state, self.nonce, self.verifier))


def is_configured() -> bool:
    """Whether contacts can sign in by a provider."""
    return bool(os.environ.get(ISSUER))


def links_are_mailed() -> bool:
    """Whether contacts can sign in by a link, which is so unless a provider is configured and links are off."""
    return not (is_configured() and os.environ.get(LINKS, "").lower() == "off")


def name() -> str:
    """What people call the provider."""
    return os.environ.get(NAME) or urlsplit(_issuer()).hostname or "your organisation's account"


def check() -> None:
    """Looks at the settings when the room starts.

    Raises:
        Unconfigured: the issuer is no address by https, or the client is not named.
    """
    if not is_configured():
        return
    parts = urlsplit(_issuer())
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
        raise settings.Unconfigured(f"{ISSUER} must begin with https://.")
    if not os.environ.get(CLIENT):
        raise settings.Unconfigured(f"{CLIENT} is not set: how the provider knows this service.")


def address(started: Started) -> str:
    """Where a person signs in.

    Raises:
        NotSignedIn: the provider cannot be reached.
    """
    with _client() as client:
        found, _ = client.create_authorization_url(
            _endpoint("authorization_endpoint"),
            state=started.state,
            nonce=started.nonce,
            code_verifier=started.verifier,
        )
    return str(found)


def verified_address(started: Started | None, answer: dict[str, str]) -> str:
    """The address that the provider has verified of who came back from it.

    Args:
        started: what the browser kept.
        answer: what the address that it came back with says: code and state, or error.

    Raises:
        NotSignedIn: it is not an answer to this browser's question, or names no verified address.
    """
    if started is None or not hmac.compare_digest(answer.get("state", "").encode(), started.state.encode()):
        raise NotSignedIn("You came back too late, or in another browser.")
    if "code" not in answer:
        raise NotSignedIn(f"{name()} did not sign you in.")
    try:
        with _client() as client:
            tokens = client.fetch_token(
                _endpoint("token_endpoint"),
                code=answer["code"],
                code_verifier=started.verifier,
                grant_type="authorization_code",
            )
            claims = _claims(str(tokens.get("id_token", "")), started.nonce)
            if "email" not in claims:
                more = client.get(_endpoint("userinfo_endpoint")).raise_for_status().json()
                claims |= more if more.get("sub") == claims.get("sub") else {}
    except (OAuthError, httpx.HTTPError, JoseError, ValueError) as problem:
        raise NotSignedIn(f"The answer of {name()} could not be used.") from problem
    if claims.get("email_verified") is not True or not isinstance(claims.get("email"), str):
        raise NotSignedIn(f"{name()} does not say that your email address has been verified.")
    return str(claims["email"])


def _issuer() -> str:
    return os.environ[ISSUER].rstrip("/")


def _client() -> OAuth2Client:
    return OAuth2Client(
        os.environ[CLIENT],
        os.environ.get(SECRET),
        scope="openid email",
        redirect_uri=pages.room_address() + BACK,
        code_challenge_method="S256",
        timeout=PATIENCE,
        follow_redirects=False,
    )


def _claims(id_token: str, nonce: str) -> dict[str, Any]:
    """The claims of a token that the provider has signed for us, now, and for this question.

    Raises:
        JoseError, ValueError: it is none.
    """
    try:
        token = jwt.decode(id_token, _keys(), algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        token = jwt.decode(id_token, _keys(anew=True), algorithms=ALGORITHMS)  # keys are changed now and then
    expected = {
        "iss": {"essential": True, "value": _issuer_named()},
        "aud": {"essential": True, "value": os.environ[CLIENT]},
        "nonce": {"essential": True, "value": nonce},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "sub": {"essential": True},
    }
    jwt.JWTClaimsRegistry(leeway=LEEWAY, **expected).validate(token.claims)  # type: ignore[arg-type]
    audience = token.claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and token.claims.get("azp") != os.environ[CLIENT]:
        raise ValueError("The token is for somebody else.")
    return dict(token.claims)


class _Kept:
    """What the provider publishes, kept for an hour."""

    def __init__(self, ask: Callable[[], dict[str, Any]]) -> None:
        self.ask, self.found, self.until = ask, dict[str, Any](), 0.0

    def get(self, anew: bool = False) -> dict[str, Any]:
        if anew or time.monotonic() > self.until:
            self.found, self.until = self.ask(), time.monotonic() + KEPT
        return self.found


@cache
def _metadata_of(issuer: str) -> _Kept:
    def ask() -> dict[str, Any]:
        found = _json(f"{issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != issuer:
            raise ValueError("The provider names itself otherwise.")
        return found

    return _Kept(ask)


@cache
def _keys_of(issuer: str) -> _Kept:
    return _Kept(lambda: _json(str(_metadata_of(issuer).get()["jwks_uri"])))


def _json(url: str) -> dict[str, Any]:
    found = httpx.get(url, timeout=PATIENCE).raise_for_status().json()
    if not isinstance(found, dict):
        raise ValueError("The provider's answer is no object.")
    return found


def _keys(anew: bool = False) -> KeySet:
    return KeySet.import_key_set(_keys_of(_issuer()).get(anew))  # type: ignore[arg-type]


def _issuer_named() -> str:
    return str(_metadata_of(_issuer()).get()["issuer"])


def _endpoint(which: str) -> str:
    try:
        return str(_metadata_of(_issuer()).get()[which])
    except (httpx.HTTPError, ValueError, KeyError) as problem:
        raise NotSignedIn(f"{name()} cannot be reached at present.") from problem
