"""Good practice: short reviewed notes that stand beside the figures of the metrics that they are about (good_practice/*.md)."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("good_practice")
LONGEST = 1000  # characters of a note


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        name: of its file.
        metrics: the metrics that it stands beside.
        source: where it is from, beginning with a source of the domain notes.
        paragraphs: its text; no markup is read in it.
    """

    name: str
    title: str
    metrics: tuple[str, ...]
    source: str
    reviewed_by: str
    reviewed_on: date
    paragraphs: tuple[str, ...]


@cache
def load() -> list[Note]:
    """Every note, by name.

    Raises:
        ValueError: a note lacks something; the message says which.
    """
    return [_read(path) for path in sorted(FOLDER.glob("*.md"))]


def of(metric_id: str) -> list[Note]:
    """The notes that stand beside a metric."""
    return [note for note in load() if metric_id in note.metrics]


def _read(path: Path) -> Note:
    _, head, body = path.read_text(encoding="utf-8").split("+++\n", 2)
    said = tomllib.loads(head)
    paragraphs = tuple(" ".join(block.split()) for block in body.strip().split("\n\n"))
    missing = [name for name in ("title", "metrics", "source", "reviewed_by", "reviewed_on") if not said.get(name)]
    if missing or not paragraphs[0] or len(body) > LONGEST:
        raise ValueError(f"{path.name}: expected {', '.join(missing) or f'a text of up to {LONGEST} characters'}.")
    return Note(
        path.stem,
        said["title"],
        tuple(said["metrics"]),
        said["source"],
        said["reviewed_by"],
        said["reviewed_on"],
        paragraphs,
    )
