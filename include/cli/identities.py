"""Who may do what at the object store: the file of identities that SeaweedFS reads, and the senders in it.

At another store (AWS and the like) the same is said by its own policies; `ACTIONS` is the list to say there.
"""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import Refused, embedded
from .output import Format, note, write
from .prepare import BUCKETS

FOLDER = "TB_S3_IDENTITIES"  # where the file of identities and that of the senders' keys are
# Identity: the variables of its key, and what it may do in which buckets. "Write" is adding, replacing and deleting.
ACTIONS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "pipeline": ("TB_S3", dict.fromkeys(BUCKETS, ("Read", "List", "Write"))),
    "exports": ("TB_S3_EXPORTS", {"TB_BUCKET_EXPORTS": ("Read", "List")}),
    # Drafts and what is sent go into the inbox; files that were received are shown from the archive.
    "room": ("TB_S3_ROOM", {"TB_BUCKET_INBOX": ("Read", "List", "Write"), "TB_BUCKET_ARCHIVE": ("Read", "List")}),
    "backup": ("TB_S3_BACKUP", dict.fromkeys(BUCKETS, ("Read", "List"))),
}
ADMIN = "TB_S3_ADMIN"  # makes buckets; nobody else does
SENDERS = "senders.json"
Senders = dict[str, dict[str, Any]]  # by provider: access_key, secret_key, collections


def document(settings: Mapping[str, str], senders: Senders) -> dict[str, Any]:
    """SeaweedFS's configuration: the four kinds of identity, and one that makes buckets.

    Args:
        settings: TB_BUCKET_*, and TB_S3_*_KEY and TB_S3_*_SECRET for `ADMIN` and each of `ACTIONS`.
        senders: by provider.
    """
    found = [_identity("admin", *_key(settings, ADMIN), ["Admin", "Read", "Write", "List", "Tagging"])]
    for name, (variables, buckets) in ACTIONS.items():
        actions = [f"{action}:{settings[bucket]}" for bucket, allowed in buckets.items() for action in allowed]
        found.append(_identity(name, *_key(settings, variables), actions))
    inbox = settings["TB_BUCKET_INBOX"]
    for code, sender in sorted(senders.items()):
        # A trust's returns are named for it, and one whose content is about another trust is held (FIL-SENDER).
        actions = [f"Write:{inbox}/{name}/{name}_{code}_*" for name in sender["collections"]]
        found.append(_identity(f"sender-{code}", sender["access_key"], sender["secret_key"], actions))
    return {"identities": found}


def _key(settings: Mapping[str, str], variables: str) -> tuple[str, str]:
    return settings[f"{variables}_KEY"], settings[f"{variables}_SECRET"]


def _identity(name: str, access_key: str, secret_key: str, actions: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": actions,
    }


def store(folder: Path, settings: Mapping[str, str]) -> Path:
    """Writes the file of identities, with the senders of that folder; returns it. Only its owner may read it."""
    return _write(folder / "s3.json", document(settings, senders(folder)))


def senders(folder: Path) -> Senders:
    """The senders that have a key."""
    try:
        found: Senders = json.loads((folder / SENDERS).read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        return {}


def make() -> None:
    """Writes the file of identities for the settings of the environment (the command `object-identities`).

    Raises:
        Refused: a setting is missing; the text names it.
    """
    folder, settings = _place()
    file = store(folder, settings)
    note(f"{file}: {len(ACTIONS)} identities, one that makes buckets, and {len(senders(folder))} senders.")


def add_sender(code: str, collections: list[str]) -> None:
    """Gives a trust a key by which it puts files of these collections into the inbox, and does nothing else; prints it, once.

    Raises:
        Refused: there is no such provider or collection, or it has a key already.
    """
    from .. import catalogue, reference  # noqa: PLC0415 - the embedded S3 server starts without them

    (folder, settings), code = _place(), code.upper()
    if not reference.load().knows(code):
        raise Refused(f"{code} is no provider that is known here. Give the ODS code of a trust.")
    for name in collections:
        if name not in catalogue.all():
            raise Refused(f"There is no collection {name}. There are {', '.join(catalogue.all())}.")
        if catalogue.load(name).is_national:
            raise Refused(f"{name} is one national file, which trusts do not send.")
    known = senders(folder)
    if code in known:
        raise Refused(f"{code} has a key already. To give it another, remove it first: `sender remove {code}`.")
    known[code] = {
        "access_key": "TB" + secrets.token_hex(9).upper(),
        "secret_key": secrets.token_urlsafe(30),
        "collections": sorted(set(collections)),
    }
    _write(folder / SENDERS, known)
    store(folder, settings)
    print(f"Access key   {known[code]['access_key']}\nSecret key   {known[code]['secret_key']}")
    for name in known[code]["collections"]:
        print(f"Files        s3://{settings['TB_BUCKET_INBOX']}/{name}/{name}_{code}_PERIOD.csv (or .xlsx)")
    note("Give the keys to the trust by a safe way; they are not shown again. The S3 server takes them after a SIGHUP.")


def remove_sender(code: str) -> None:
    """Takes a sender's key away.

    Raises:
        Refused: it has none.
    """
    (folder, settings), code = _place(), code.upper()
    known = senders(folder)
    if known.pop(code, None) is None:
        raise Refused(f"{code} has no key. Senders with a key: {', '.join(sorted(known)) or 'none'}.")
    _write(folder / SENDERS, known)
    store(folder, settings)
    note(f"{code} has no key any more once the S3 server was started again: until then it takes the old one.")


def list_senders(form: Format) -> None:
    """Prints the senders and their collections; no secrets."""
    rows = [
        [code, one["access_key"], ", ".join(one["collections"])] for code, one in sorted(senders(_place()[0]).items())
    ]
    write(rows, ["provider", "access_key", "collections"], form)


def _write(file: Path, content: object) -> Path:
    """Replaces a file at once, readable by its owner alone."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(content, out, indent=1)
    draft.replace(file)
    return file


def _place() -> tuple[Path, Mapping[str, str]]:
    """The folder, and the settings: those of the environment, or of `make run`."""
    if found := os.environ.get(FOLDER):
        prefixes = (ADMIN, *(variables for variables, _ in ACTIONS.values()))
        needed = set(BUCKETS) | {f"{prefix}_{part}" for prefix in prefixes for part in ("KEY", "SECRET")}
        if missing := sorted(name for name in needed if not os.environ.get(name)):
            raise Refused(f"Not set: {', '.join(missing)}. docker-compose.yml has them in the service `identities`.")
        return Path(found), {name: os.environ[name] for name in needed}
    if os.environ.get("TB_WAREHOUSE_URL"):
        raise Refused(f"{FOLDER} is not set: the folder of the object store's identities. docker-compose.yml has one.")
    made = embedded.with_warehouse()
    return made.folder / "identities", made.settings()
