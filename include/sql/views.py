"""The columns of the published views, read from the migrations, so that the data dictionary cannot forget one."""

import re
import tomllib
from functools import cache
from pathlib import Path

from . import FOLDER

SCHEMAS = ("published", "intake")


@cache
def words() -> dict:
    """What is said about views, columns and functions: views.toml."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def columns() -> dict[str, list[str]]:
    """View -> its columns, in the order of the SQL; a view that is replaced by a later migration counts as replaced."""
    return {name: list(columns) for name, columns in typed().items()}


def functions() -> dict[str, str]:
    """The functions of schema published, by name with their parameters."""
    text = _migrations()
    found = dict(re.findall(r"CREATE (?:OR REPLACE )?FUNCTION published\.(\w+)\((.*?)\)\s+RETURNS", text))
    narrow, whole = found["releases_as_at"], "at timestamptz"  # what the migrations write has the one or the other
    for view in re.findall(r"core\.write_(?:series_)?as_at\('(\w+)'\)", text):
        found[f"{view}_as_at"] = narrow
    of_views = columns()
    for view in re.findall(r"core\.write_moment_as_at\('(\w+)'\)", text):
        found[f"{view}_as_at"] = narrow if {"collection", "period"} <= set(of_views[f"published.{view}"]) else whole
    return found


def of_releases() -> list[str]:
    """The views of schema published whose rows are each of one release and follow from it alone."""
    return list(dict.fromkeys(re.findall(r"core\.write_as_at\('(\w+)'\)", _migrations())))


def typed() -> dict[str, dict[str, tuple[str | None, bool]]]:
    """View -> its columns, each with its type (None where it is computed) and whether it is never NULL as far as that follows."""
    text = _migrations()
    known = {name: _of_table(body) for name, body in re.findall(r"CREATE TABLE (core\.\w+) \((.*?)\);", text, re.S)}
    for name, definition in re.findall(r"ALTER TABLE (core\.\w+) ADD COLUMN ([^;]+);", text):
        known[name] |= _of_table(definition)
    found = {}
    for name, body in re.findall(r"CREATE (?:OR REPLACE )?VIEW (\w+\.\w+) AS\s(.*?);\s*(?=\n|$)", text, re.S):
        known[name] = {column: _meant(piece, body, known) for column, piece in _of_select(body, known, pieces=True)}
        if name.split(".")[0] in SCHEMAS:
            found[name] = known[name]
    return found


def _migrations() -> str:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "migrations").glob("*.sql")))
    return re.sub(r"--[^\n]*", "", text)


def _of_table(body: str) -> dict[str, tuple[str, bool]]:
    entries = [entry.strip() for entry in _split(body)]
    keys = {name for key in re.findall(r"PRIMARY KEY \(([^)]*)\)", body) for name in re.split(r",\s*", key)}
    columns = {}
    for entry in entries:
        if not re.match(r"(PRIMARY|UNIQUE|FOREIGN|CONSTRAINT|CHECK)\b", entry):
            name, kind = re.match(r"(\w+)\s+(double precision|\w+(?:\[\])?)", entry).groups()
            columns[name] = (kind, name in keys or bool(re.search(r"NOT NULL|PRIMARY KEY", entry)))
    return columns


def _of_select(body: str, known: dict, pieces: bool = False) -> list:
    """The columns of a SELECT by name; with `pieces`, each with the text that it is made from."""
    flat = _without_brackets(body)
    start = re.search(r"\bSELECT\b(?:\s+DISTINCT(?:\s+ON\s+\x00+)?)?", flat)
    end = re.search(r"\bFROM\b", flat[start.end() :]).start() + start.end()
    found = []
    for at, piece in _pieces(flat[start.end() : end]):
        text = body[start.end() + at : start.end() + at + len(piece)].strip()
        if text == "*" or text.endswith(".*"):
            found += [(name, f"{text[:-1]}{name}") for name in known[_source(body[end:], text)]]
        else:
            found.append((re.search(r"(\w+)$", text)[1], text))
    return found if pieces else [name for name, _ in found]


def _meant(piece: str, body: str, known: dict) -> tuple[str | None, bool]:
    """Type of a column that is taken from a table as it is, and whether it is never NULL; (None, False) if it is computed."""
    plain = re.fullmatch(r"(?:(\w+)\.)?(\w+)(?:\s+AS\s+\w+)?", piece)
    if not plain:
        return None, False
    alias, column = plain.groups()
    tables = rf"(LEFT JOIN|FROM|JOIN)\s+([\w.]+)\s+(?:AS\s+)?{alias}\b" if alias else r"(FROM)\s+([\w.]+)"
    for how, table in re.findall(tables, _without_brackets(body)):  # not those of a query inside the query
        if column in known.get(table, {}):
            kind, required = known[table][column]
            return kind, required and how != "LEFT JOIN"
    return None, False


def _source(rest: str, star: str) -> str:
    if star == "*":
        return re.match(r"FROM\s+([\w.]+)", rest)[1]
    return re.search(rf"(?:FROM|JOIN)\s+([\w.]+)\s+(?:AS\s+)?{star[:-2]}\b", rest)[1]


@cache
def _without_brackets(text: str) -> str:
    """The same length of text, with everything in brackets and in quotes blotted out."""
    depth, quoted, out = 0, False, []
    for letter in text:
        quoted ^= letter == "'"
        depth -= letter == ")" and not quoted
        out.append("\x00" if depth or quoted or letter in "()'" else letter)
        depth += letter == "(" and not quoted
    return "".join(out)


def _split(text: str) -> list[str]:
    flat = _without_brackets(text)
    return [text[at : at + len(piece)] for at, piece in _pieces(flat)]


def _pieces(flat: str):
    at = 0
    for piece in flat.split(","):
        yield at, piece
        at += len(piece) + 1
