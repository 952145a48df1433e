"""Kind sftp: a partner's folder on a real SFTP server, who that server is, and what can go wrong with it."""

import asyncio
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime

import asyncssh
import pytest
from trust_benchmarks.sources import declared, fetch, sftp
from trust_benchmarks.stores import airflow_connections, settings

NOW = datetime(2026, 9, 29, 10, tzinfo=UTC)
PASSWORD = "correct horse"


class Partner:
    """An SFTP server of its own thread, with a folder; `key` is the host key that it shows."""

    def __init__(self, folder, user_key):
        self.folder, self.user_key = folder, user_key
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.reading = lambda name: None
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.port = 0
        self.start()

    def start(self):
        self.server = asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(20)
        self.port = self.server.get_port()

    async def _listen(self):
        partner = self

        class Server(asyncssh.SSHServer):
            def password_auth_supported(self):
                return True

            def validate_password(self, username, password):
                return (username, password) == ("benchmarks", PASSWORD)

            def public_key_auth_supported(self):
                return True

            def validate_public_key(self, username, key):
                return username == "benchmarks" and key == partner.user_key.convert_to_public()

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel):
                super().__init__(channel, chroot=os.fsencode(partner.folder))

            def open(self, path, pflags, attrs):
                partner.reading(path.decode())
                return super().open(path, pflags, attrs)

        return await asyncssh.listen(
            "127.0.0.1", self.port, server_host_keys=[self.key], server_factory=Server, sftp_factory=Files
        )

    def stop(self):
        async def close():
            self.server.close()
            await self.server.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(20)

    @property
    def connection(self):
        """What a person would put into Airflow's connection."""
        shown = self.key.export_public_key().decode()
        return airflow_connections.SftpConnection("127.0.0.1", self.port, "benchmarks", PASSWORD, host_key=shown)


@pytest.fixture(scope="module")
def user_key():
    return asyncssh.generate_private_key("ecdsa-sha2-nistp256")


@pytest.fixture
def partner(tmp_path, user_key, monkeypatch):
    folder = tmp_path / "partner"
    (folder / "out going").mkdir(parents=True)
    made = Partner(folder, user_key)
    connected(monkeypatch, made.connection)
    source = declared.Source(
        "sickness_absence",
        "partner",
        "sftp",
        address=f"sftp://127.0.0.1:{made.port}/out%20going/",
        link=r"absence.*\.csv$",
        never="draft",
        connection="partner",
    )
    monkeypatch.setattr(declared, "fetched", lambda: [source])
    monkeypatch.setattr(sftp, "PATIENCE", 5.0)
    yield made
    made.stop()
    made.loop.call_soon_threadsafe(made.loop.stop)


def connected(monkeypatch, connection):
    monkeypatch.setattr(airflow_connections, "sftp", lambda name: connection if name == "partner" else None)


def write(partner, name, content, at=1_790_000_000):
    path = partner.folder / "out going" / name
    path.write_bytes(content)
    os.utime(path, (at, at))


def look():
    return fetch.look("sickness_absence/partner", now=NOW)


@pytest.mark.usefixtures("world", "playing")
def test_a_partners_folder(partner):
    for name in ("absence 2026-05.csv", "absence_draft_2026-06.csv", "readme.txt"):
        write(partner, name, f"bytes of {name}".encode())
    (partner.folder / "out going" / "absence_2026-04.csv").mkdir()  # a folder is no file, whatever it is called
    first = look()
    assert (first.outcome, len(first.fetched)) == ("new", 1)
    assert first.fetched[0].startswith("sickness_absence/sickness_absence_2026-05_v1_")
    assert look().outcome == "not_changed"
    write(partner, "absence 2026-05.csv", b"corrected", at=1_790_000_100)
    again = look()
    assert (again.outcome, "_v2_" in again.fetched[0]) == ("correction", True)
    (partner.folder / "out going" / "absence 2026-05.csv").unlink()
    write(partner, "absence 2026-06.csv", b"june")
    assert look().outcome == "gone"


@pytest.mark.usefixtures("world", "playing")
def test_faults_have_their_own_outcomes(partner, monkeypatch):
    write(partner, "absence 2026-05.csv", b"may")
    monkeypatch.setattr(sftp, "MOST_FILE", 2)
    assert look().outcome == "broken"
    monkeypatch.setattr(sftp, "MOST_FILE", 1 << 20)
    # It goes while it is asked for, and it grows while it is read.
    partner.reading = lambda name: (partner.folder / "out going" / "absence 2026-05.csv").unlink()
    assert look().outcome == "moved"
    write(partner, "absence 2026-05.csv", b"may")
    partner.reading = lambda name: write(partner, "absence 2026-05.csv", b"may and more", at=1_790_000_200)
    written = look()
    assert (written.outcome, written.fetched) == ("unreachable", [])
    partner.reading = lambda name: None
    monkeypatch.setattr(sftp, "MOST_LISTED", 0)
    assert look().outcome == "page_changed"
    monkeypatch.setattr(sftp, "MOST_LISTED", 1000)
    connected(monkeypatch, replace(partner.connection, password="wrong"))
    assert look().outcome == "refused"
    connected(monkeypatch, partner.connection)
    partner.stop()
    assert look().outcome == "unreachable"
    # Somebody else answers at its address: nothing is said to them, not even the password.
    known = partner.connection
    partner.key = asyncssh.generate_private_key("ssh-ed25519")
    partner.start()
    connected(monkeypatch, known)
    stranger = look()
    assert stranger.outcome == "refused"
    assert "another host key" in stranger.said[0]
    connected(monkeypatch, partner.connection)
    assert look().outcome == "new"


def test_a_key_serves_in_place_of_a_password(partner, user_key, monkeypatch, tmp_path):
    write(partner, "absence 2026-05.csv", b"may")
    (source,) = declared.fetched()
    shown = user_key.export_private_key("openssh", passphrase="open sesame", rounds=1).decode()
    path = tmp_path / "key"
    path.write_text(shown)
    without = replace(partner.connection, password=None, passphrase="open sesame")
    for given in ({"private_key": shown}, {"key_file": str(path)}):
        connected(monkeypatch, replace(without, **given))
        (offer,) = sftp.discover(source).offers
        assert (offer.period, offer.how) == ("2026-05", "file name")
        assert sftp.get(source, offer).body.read() == b"may"


def test_a_connection_that_says_too_little_is_named(partner, monkeypatch):
    (source,) = declared.fetched()
    for given, says in (
        (None, "no Airflow connection 'partner'"),
        (replace(partner.connection, host_key=""), "no usable host_key"),
        (replace(partner.connection, host_key="ssh-ed25519 !"), "no usable host_key"),
        (replace(partner.connection, host="other.example"), "is for other.example, not for 127.0.0.1"),
        (replace(partner.connection, private_key="-----BEGIN"), "private_key of the Airflow connection"),
    ):
        connected(monkeypatch, given)
        with pytest.raises(settings.Unconfigured, match=says):
            sftp.discover(source)
    gone = replace(source, address=source.address + "nothing/")
    connected(monkeypatch, partner.connection)
    with pytest.raises(sftp.Stopped) as stopped:
        sftp.discover(gone)
    assert stopped.value.outcome == "moved"
