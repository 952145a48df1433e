"""Each identity at the object store does what it may and nothing else, tried over S3 on the server of `make run`."""

import json
import os
import signal
import time

import pytest
from botocore.exceptions import ClientError
from trust_benchmarks.cli import Refused, identities
from trust_benchmarks.cli.output import Format
from trust_benchmarks.cli.prepare import BUCKETS
from trust_benchmarks.stores.faults import is_outage
from trust_benchmarks_local import objects
from trust_benchmarks_local.state import State

OTHER = "another"  # a bucket of somebody else
OWN = "workforce/workforce_RA9_2025-06.csv"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with its state folder, one sender, and an object in each bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "SUFFIX", "")
        state = State(tmp_path_factory.mktemp("identities") / "state").open()
        place(patch, state)
        child = objects.start(state)
        place(patch, state)
        try:
            identities.add_sender("RA9", ["workforce"])
            hang_up(child)
            admin = objects.admin(state.settings)
            admin.create_bucket(Bucket=OTHER)
            for bucket in (*BUCKETS.values(), OTHER):
                admin.put_object(Bucket=bucket, Key="there", Body=b"1")
            yield state, child
        finally:
            child.stop()


def place(patch, state: State) -> None:
    """The settings as docker-compose.yml gives them to the service `identities`."""
    for name, value in (state.settings | BUCKETS).items():
        if name.startswith(("TB_S3_", "TB_BUCKET_")):
            patch.setenv(name, value)
    patch.setenv(identities.FOLDER, str(state.folder / "identities"))


def hang_up(child) -> None:
    """Has the server read its identities again."""
    child.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)


def client(state: State, name: str):
    """An S3 client of an identity."""
    made = json.loads((state.folder / "identities" / "s3.json").read_text())["identities"]
    [key] = [one["credentials"][0] for one in made if one["name"] == name]
    return objects.client(state.settings | {"TB_S3_KEY": key["accessKey"], "TB_S3_SECRET": key["secretKey"]})


def may(call, **arguments) -> bool:
    """Whether the server lets it; an answer that is no refusal fails the test."""
    try:
        call(**arguments)
        return True
    except ClientError as problem:
        assert problem.response["ResponseMetadata"]["HTTPStatusCode"] == 403, problem
        assert is_outage(problem), "a key that may not do something is no fault of a file"
        return False


def can(s3, bucket: str, key: str = "new") -> set[str]:
    """What an identity can do in a bucket."""
    found = {
        "list": may(s3.list_objects_v2, Bucket=bucket),
        "read": may(s3.get_object, Bucket=bucket, Key="there"),
        "write": may(s3.put_object, Bucket=bucket, Key=key, Body=b"2"),
        "upload in parts": may(s3.create_multipart_upload, Bucket=bucket, Key=key),
        "delete": may(s3.delete_object, Bucket=bucket, Key=key),
        "give rights": may(s3.put_bucket_acl, Bucket=bucket, ACL="public-read"),
        "delete the bucket": may(s3.delete_bucket, Bucket=bucket),
    }
    return {name for name, is_so in found.items() if is_so}


READ, WRITE = {"list", "read"}, {"write", "upload in parts", "delete"}


@pytest.mark.parametrize(
    ("name", "inbox", "archive", "records", "exports"),
    [
        ("pipeline", READ | WRITE, READ | WRITE, READ | WRITE, READ | WRITE),
        ("exports", set(), set(), set(), READ),
        ("backup", READ, READ, READ, READ),
        ("room", READ | WRITE, READ, set(), set()),
        ("sender-RA9", set(), set(), set(), set()),
    ],
)
def test_an_identity_does_what_it_may_and_nothing_else(server, name, inbox, archive, records, exports):
    s3 = client(server[0], name)
    expected = {"inbox": inbox, "archive": archive, "records": records, "exports": exports, OTHER: set()}
    assert {bucket: can(s3, bucket) for bucket in expected} == expected
    assert not may(s3.create_bucket, Bucket=f"of-{name.lower()}")
    reads = may(s3.copy_object, Bucket="exports", Key="copied", CopySource={"Bucket": "archive", "Key": "there"})
    assert reads is (name == "pipeline")
    assert OTHER not in {one["Name"] for one in s3.list_buckets()["Buckets"]}


def test_a_sender_puts_its_own_returns_into_the_inbox(server):
    s3 = client(server[0], "sender-RA9")
    assert can(s3, "inbox", OWN) == WRITE
    for key in (
        "workforce/workforce_RHA_2025-06.csv",
        "workforce/workforce_RA90_2025-06.csv",
        "workforce/RA9.csv",
        "estates/estates_RA9_2025-06.csv",
        "workforce_RA9_2025-06.csv",
        "e_rostering/../workforce/workforce_RA9_x.csv",
    ):
        try:
            assert can(s3, "inbox", key) == set(), key
        except AssertionError as problem:
            assert "InvalidRequest" in str(problem), problem  # a name that would leave its folder
    assert not may(s3.get_object, Bucket="inbox", Key=OWN)
    said = s3.delete_objects(Bucket="inbox", Delete={"Objects": [{"Key": "there"}]})
    assert [one["Code"] for one in said["Errors"]] == ["AccessDenied"]


def test_nobody_without_a_key_gets_anything(server):
    state, _ = server
    wrong = objects.client(state.settings | {"TB_S3_SECRET": "wrong"})
    unknown = objects.client(state.settings | {"TB_S3_KEY": "TBNOBODY"})
    for s3 in (wrong, unknown):
        assert can(s3, "exports") == set()


def test_files_of_keys_are_for_their_owner_and_a_sender_is_added_listed_and_removed(server, capsys):
    state, child = server
    folder = state.folder / "identities"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        0o600
    } and folder.stat().st_mode & 0o777 == 0o700
    identities.add_sender("rha", ["workforce", "e_rostering"])
    said = capsys.readouterr().out
    [secret] = [line.split()[-1] for line in said.splitlines() if line.startswith("Secret key")]
    assert "s3://inbox/e_rostering/e_rostering_RHA_PERIOD.csv" in said
    hang_up(child)
    assert may(client(state, "sender-RHA").put_object, Bucket="inbox", Key="workforce/workforce_RHA_1.csv", Body=b"1")
    identities.list_senders(Format.csv)
    listed = capsys.readouterr().out
    assert "RHA" in listed and "e_rostering, workforce" in listed and secret not in listed
    for code, names, says in (
        ("RHA", ["workforce"], "has a key already"),
        ("XXX", ["workforce"], "no provider"),
        ("RT5", ["none"], "no collection none"),
        ("RT5", ["drug_tariff"], "national"),
    ):
        with pytest.raises(Refused, match=says):
            identities.add_sender(code, names)
    identities.remove_sender("RHA")
    with pytest.raises(Refused, match="RHA has no key"):
        identities.remove_sender("RHA")
    assert secret not in (folder / "s3.json").read_text() + (folder / "senders.json").read_text()


def test_a_setting_that_is_missing_is_named(server, monkeypatch):
    monkeypatch.delenv("TB_S3_BACKUP_SECRET")
    with pytest.raises(Refused, match="Not set: TB_S3_BACKUP_SECRET"):
        identities.make()
    monkeypatch.delenv(identities.FOLDER)
    monkeypatch.setenv("TB_WAREHOUSE_URL", "postgresql://x/y")
    with pytest.raises(Refused, match=f"{identities.FOLDER} is not set"):
        identities.make()
    assert os.environ["TB_S3_KEY"]
