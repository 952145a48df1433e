"""Kind `sftp`: a folder of a partner's SFTP server, sftp://HOST/FOLDER/; who asks, and the server's key, come from an Airflow connection.

The server's key is compared with the connection's in every case; nothing else of this machine (keys, agents, known hosts) is used.
"""

import base64
import contextlib
import hashlib
import io
import stat
import time
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

import paramiko

from ..stores import airflow_connections, settings
from .declared import Source
from .offers import Discovered, Offer, edition_of, is_meant, period_of
from .outcomes import BROKEN, MOVED, PAGE_CHANGED, REFUSED, UNREACHABLE, Stopped
from .web import MOST_FILE, Answer

MOST_LISTED = 100_000
SECONDS = 300.0  # for one folder or file
PATIENCE = 20.0  # seconds without a word from the server
CHUNK = 1 << 20
MOST_ASKED = 64  # pieces of 32 KB that are asked for before the first has come
KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def discover(source: Source) -> Discovered:
    """The files in the folder that are meant.

    Raises:
        Stopped: the folder could not be listed.
        Unconfigured: the connection is missing or says too little.
    """
    found, listed, deadline = Discovered(page=source.address), 0, time.monotonic() + SECONDS
    with _opened(source, source.address) as server:
        for one in server.listdir_iter(_path(source.address)):
            listed += 1
            if listed > MOST_LISTED:
                raise Stopped(
                    PAGE_CHANGED, f"{source.address} holds more than {MOST_LISTED:,} files. Name another folder."
                )
            _in_time(deadline, source.address)
            if stat.S_ISREG(one.st_mode or 0) and "/" not in one.filename:
                _add(found, source, one.filename, _version(one))
    if listed and not found.offers and not found.problems:
        found.problems.append(
            (PAGE_CHANGED, f"{source.address} holds {listed:,} files, and none of them fits '{source.link}'.")
        )
    return found


def get(source: Source, offer: Offer) -> Answer:
    """One file, if it is the same before and after it was read: somebody may be writing it.

    Raises:
        Stopped: it could not be had.
    """
    path, body, digest = _path(offer.link), io.BytesIO(), hashlib.sha256()
    deadline = time.monotonic() + SECONDS
    with _opened(source, offer.link) as server:
        before = server.stat(path)
        if (before.st_size or 0) > MOST_FILE:
            raise Stopped(BROKEN, f"{offer.link} has more than the {MOST_FILE:,} bytes that are taken.")
        with server.open(path, "rb") as file:
            file.prefetch(before.st_size, MOST_ASKED)
            while chunk := file.read(CHUNK):
                body.write(chunk)
                digest.update(chunk)
                if body.tell() > MOST_FILE:
                    raise Stopped(BROKEN, f"{offer.link} has more than the {MOST_FILE:,} bytes that are taken.")
                _in_time(deadline, offer.link)
        after = server.stat(path)
    if _version(before) != _version(after) or body.tell() != after.st_size:
        raise Stopped(UNREACHABLE, f"{offer.link} was written to while it was read.")
    size = body.tell()
    body.seek(0)
    return Answer(offer.link, 200, _version(after), None, body, size, digest.hexdigest())


def _add(found: Discovered, source: Source, name: str, published: str) -> None:
    match = is_meant(source, name, name)
    if not match:
        return
    period, how = (None, "") if source.title_decides else period_of(source.frequency, ("file name", name))
    if not period and not source.title_decides:
        found.problems.append((PAGE_CHANGED, f"The file {name} in {source.address} does not say its period."))
        return
    link = f"{source.address.rstrip('/')}/{quote(name)}"
    found.offers.append(Offer(link, name, source.address, period, how, edition_of(source, match), published))


def _path(address: str) -> str:
    return unquote(urlsplit(address).path) or "/"


def _version(of: paramiko.SFTPAttributes) -> str:
    return f"{of.st_size}-{of.st_mtime}"


def _in_time(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise Stopped(UNREACHABLE, f"{what} was not had within {SECONDS:.0f} seconds.")


# Connecting -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(source: Source, what: str) -> Iterator[paramiko.SFTPClient]:
    """A session with the server; what goes wrong with it is an outcome."""
    of = airflow_connections.sftp(source.connection)
    if of is None:
        raise settings.Unconfigured(
            f"There is no Airflow connection '{source.connection}' here. Make one of the type SFTP, or set AIRFLOW_CONN_{source.connection.upper()}."
        )
    place = urlsplit(source.address)
    host, port = place.hostname or "", place.port or of.port or 22
    if of.host and of.host.lower() != host:
        raise settings.Unconfigured(f"The Airflow connection '{source.connection}' is for {of.host}, not for {host}.")
    try:
        with paramiko.SSHClient() as client:
            name = host if port == 22 else f"[{host}]:{port}"
            key = _host_key(of.host_key, source.connection)
            client.get_host_keys().add(name, key.get_name(), key)  # any other key is rejected
            client.connect(
                host,
                port,
                of.login,
                of.password,
                pkey=_private_key(of, source.connection),
                passphrase=of.passphrase,
                key_filename=of.key_file,
                timeout=PATIENCE,
                banner_timeout=PATIENCE,
                auth_timeout=PATIENCE,
                channel_timeout=PATIENCE,
                allow_agent=False,
                look_for_keys=False,
            )
            with client.open_sftp() as server:
                channel = server.get_channel()
                assert channel is not None
                channel.settimeout(PATIENCE)
                yield server
    except (paramiko.SSHException, EOFError, UnicodeError, OSError) as problem:
        raise _stopped(problem, what, host) from problem


def _stopped(problem: Exception, what: str, host: str) -> Stopped:
    if isinstance(problem, paramiko.BadHostKeyException):
        return Stopped(REFUSED, f"{host} shows another host key than the connection has, so nothing was sent to it.")
    if isinstance(problem, paramiko.AuthenticationException):
        return Stopped(REFUSED, f"{host} does not let this user in ({problem}).")
    if isinstance(problem, PermissionError):
        return Stopped(REFUSED, f"{what} may not be read by this user.")
    if isinstance(problem, FileNotFoundError):
        return Stopped(MOVED, f"There is no {what}.")
    if isinstance(problem, UnicodeError):
        return Stopped(PAGE_CHANGED, f"{what} has a file whose name is not UTF-8.")
    return Stopped(UNREACHABLE, f"{what} could not be had ({problem or type(problem).__name__}).")


def _host_key(text: str, connection: str) -> paramiko.PKey:
    try:
        kind, data = text.split()[:2]
        return paramiko.PKey.from_type_string(kind, base64.b64decode(data, validate=True))
    except (ValueError, paramiko.UnknownKeyType, paramiko.SSHException) as problem:
        raise settings.Unconfigured(
            f"The Airflow connection '{connection}' has no usable host_key in its extras. Expected a line such as 'ssh-ed25519 AAAA...', "
            "as `ssh-keyscan HOST` gives it after the host's name; have the partner confirm it."
        ) from problem


def _private_key(of: airflow_connections.SftpConnection, connection: str) -> paramiko.PKey | None:
    if not of.private_key:
        return None
    for kind in KEYS:
        with contextlib.suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(of.private_key), of.passphrase)
    raise settings.Unconfigured(
        f"The private_key of the Airflow connection '{connection}' cannot be read: another form, or another passphrase."
    )
