"""The hidden sheet by which a workbook that we sent is known again when it comes back: of what, which lines, and a hash.

The hash shows that the sheet was changed or damaged; it is no signature. So an answer proves nothing about who sent it:
sender, collection and period of a return are found as always, and must agree with the submission that is named here.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from .. import schemas
from ..reading import formats, safely
from ..reading.reading import Reading
from ..reading.workbook import Book
from ..stores import child_process
from ..stores.child_process import Ended
from ..validation.row_keys import row_keys

SHEET = "trust-benchmarks-manifest"
TITLE = "trust-benchmarks manifest 1"
SAYS = "By this sheet we know which return you are answering. Leave it as it is; without it the return is read as a new one."
MOST_CHUNK = 30_000  # characters of one cell
MOST_KEY = 200
LINES = {"table": pl.Int64, "line": pl.Int64, "row_key": pl.String, "row_hash": pl.String}


@dataclass(frozen=True)
class Answer:
    """What the manifest of a workbook says.

    Attributes:
        submission_id: the submission that the workbook was made from.
        sheets: those that we added.
        lines: table, line, row_key and row_hash, one row a row of data as it was sent.
        findings: those that can be answered in it, each as `workbook_replies.Asked`.
        intact: whether the manifest is as it was written.
    """

    submission_id: str
    collection: str
    period: str | None
    sender: str | None
    version: int | None
    sha256: str
    file_name: str
    sheets: tuple[str, ...]
    lines: pl.DataFrame
    findings: list[list[Any]]
    intact: bool


def cells(about: dict[str, Any], reading: Reading, findings: Sequence[Sequence[Any]] = ()) -> Iterator[str]:
    """The texts of the manifest, one a row of its sheet; `findings` are those that can be answered."""
    head = _ascii(about)
    chunks = [_ascii(chunk) for chunk in (*_chunks(reading), *_of_findings(findings))]
    yield from (TITLE, SAYS, head, _hash([head, *chunks]), *chunks)


def answered(content: bytes | Path) -> Answer | None:
    """Which submission a workbook, or the one at a path, was made from, if it is one of ours and its manifest is as we wrote it.

    It is no proof of who sent it: whoever uses it must see that collection, period and sender agree.
    """
    try:
        answer = child_process.run(_of, content)
    except Ended:
        return None
    return answer if answer and answer.intact else None


def _of(content: bytes | Path) -> Answer | None:
    return of(safely.bytes_of(content))


def of(content: bytes) -> Answer | None:
    """The manifest of a workbook; None when it has none or it cannot be read. Look at `intact` before it is believed."""
    try:
        if content[:4] != b"PK\x03\x04" or not _names_sheet(content):
            return None
        formats.identify(content, "returned.xlsx")
        texts = ["".join(row[:1]) for row in Book(content, "returned.xlsx").rows(SHEET)]
        title, _, head, said, *chunks = texts
        while chunks and not chunks[-1]:
            chunks.pop()
        about = json.loads(head)
        parts = [json.loads(chunk) for chunk in chunks]
        lines = [(part["table"], *line) for part in parts if "lines" in part for line in part["lines"]]
        return Answer(
            submission_id=str(about["submission_id"]),
            collection=str(about["collection"]),
            period=about.get("period"),
            sender=about.get("sender"),
            version=about.get("version"),
            sha256=str(about["sha256"]),
            file_name=str(about["file_name"]),
            sheets=tuple(map(str, about["sheets"])),
            lines=pl.DataFrame(lines, schema=LINES, orient="row"),
            findings=[one for part in parts if "findings" in part for one in part["findings"]],
            intact=title == TITLE and said == _hash([head, *chunks]),
        )
    except Exception:  # whatever is wrong with a file that somebody sent: then it is no answer
        return None


def _names_sheet(content: bytes) -> bool:
    """Whether a workbook lists our sheet; looks at its list of sheets alone, and not at more of that than is usual."""
    most = 1 << 20
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("xl/workbook.xml") as part:
        return SHEET.encode() in part.read(most)


def _chunks(reading: Reading) -> Iterator[dict[str, Any]]:
    schema = schemas.load(reading.collection)
    for number, table in enumerate(reading.tables):
        chunk, size = [], 0
        whole = pl.concat_str(pl.col(list(table.headings)).fill_null(""), separator="\x1f")
        texts = table.frame.select(whole).to_series()
        for line, key, text in zip(table.frame["line"], row_keys(table, schema), texts, strict=True):
            chunk.append([line, key[:MOST_KEY], hashlib.blake2b(text.encode(), digest_size=8).hexdigest()])
            size += len(_ascii(chunk[-1])) + 1
            if size > MOST_CHUNK - 12 * MOST_KEY - 100:  # room for one more; a letter takes up to 12 (\ud83d\ude00)
                yield {"table": number, "lines": chunk}
                chunk, size = [], 0
        if chunk:
            yield {"table": number, "lines": chunk}


def _of_findings(findings: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    chunk, size = list[Sequence[Any]](), 0
    for one in findings:
        length = len(_ascii(one)) + 1
        if size + length > MOST_CHUNK - 100:
            yield {"findings": chunk}
            chunk, size = [], 0
        chunk.append(one)
        size += length
    if chunk:
        yield {"findings": chunk}


def _ascii(value: object) -> str:
    # Letters beyond ASCII and underscores are written as escapes, so that no program that saves the workbook alters them.
    return json.dumps(value, separators=(",", ":")).replace("_", "\\u005f")


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
