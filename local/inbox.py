"""Fills the inbox: with sample returns made for the purpose, or with what lies in a person's folder."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from trust_benchmarks import catalogue, reference
from trust_benchmarks_local import Trouble, objects, sample
from trust_benchmarks_local.state import State


@dataclass(frozen=True)
class File:
    """One file for the inbox: its key there, where it lies now, and what is said about it beside its bytes."""

    key: str
    path: Path
    metadata: dict[str, str] = field(default_factory=dict, hash=False)


def sample_files(state: State) -> list[File]:
    """The sample returns, written to <state>/sample unless the same sample lies there already.

    TB_SAMPLE_PROVIDERS, TB_SAMPLE_PERIODS and TB_SAMPLE_LINES make it smaller; TB_SAMPLE_SEED makes another.
    """
    names = {"providers": sample.PROVIDERS, "periods": sample.PERIODS, "lines": sample.LINES, "seed": 1}
    try:
        wanted = {name: int(os.environ.get(f"TB_SAMPLE_{name.upper()}", value)) for name, value in names.items()}
    except ValueError as problem:
        raise Trouble(f"TB_SAMPLE_{'/'.join(names).upper()} must be whole numbers: {problem}.") from None
    folder, mark = state.folder / "sample", state.folder / "sample.json"
    made = json.dumps({**wanted, "code": _sample_code()}, sort_keys=True)
    if not mark.exists() or mark.read_text() != made:
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            sample.write(folder, providers=wanted["providers"], periods=wanted["periods"], lines=wanted["lines"])
        except ValueError as problem:
            raise Trouble(f"The sample could not be made: {problem}") from problem
        mark.write_text(made)
    with open(folder / "arrivals.csv", newline="") as lines:
        return [
            File(row["path"], folder / row["path"], {"sample": "true", "arrived-at": row["arrived_at"]})
            for row in csv.DictReader(lines)
        ]


def _sample_code() -> str:
    """A hash of what decides on a sample's bytes, so that a newer generator writes it anew."""
    files = sorted(Path(sample.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files) + reference.version().encode()).hexdigest()


def folder_files(folder: Path) -> tuple[list[File], list[str]]:
    """The files below folder/<collection>/, and a sentence for each thing that was left out. Raises Trouble for none."""
    known = list(catalogue.all())
    expected = f"Expected one folder a collection: {', '.join(known)}."
    if not folder.is_dir():
        raise Trouble(f"INBOX={folder} is not a folder. {expected}")
    files, left_out = [], []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            left_out.append(f"{entry.name} lies beside the folders of the collections: left out. {expected}")
        elif entry.name not in known:
            left_out.append(f"{entry.name}/ is not a collection: left out. {expected}")
        else:
            inside = [path for path in sorted(entry.rglob("*")) if path.is_file() and not path.name.startswith(".")]
            files += [File(f"{entry.name}/{path.relative_to(entry).as_posix()}", path) for path in inside]
    if not files:
        raise Trouble(f"{folder} holds no file to collect. {expected} {' '.join(left_out)}".strip())
    return files, left_out


def upload(settings: dict[str, str], files: list[File], advanced: Callable[[], None] = lambda: None) -> int:
    """Upload what the inbox does not hold yet with the same bytes; returns how many that were.

    `advanced` is called once a file, from this thread.
    """
    s3, bucket = objects.client(settings), settings["TB_BUCKET_INBOX"]
    have = {
        entry["Key"]: (entry["Size"], entry["ETag"].strip('"'))
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for entry in page.get("Contents", [])
    }

    def put(file: File) -> bool:
        try:
            content = file.path.read_bytes()
        except OSError as problem:
            raise Trouble(f"{file.path} cannot be read ({problem.strerror}). Mend that, then start again.") from problem
        # Not a secret: an S3 server calls an object that came in one piece by its MD5.
        if have.get(file.key) == (len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()):
            return False
        s3.put_object(
            Bucket=bucket, Key=file.key, Body=content, Metadata=file.metadata, ContentType="binary/octet-stream"
        )
        return True

    new = 0
    with ThreadPoolExecutor(8) as pool:
        for was_new in pool.map(put, files):
            new += was_new
            advanced()
    return new
