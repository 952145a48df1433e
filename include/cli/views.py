"""The columns of the published views, read from the migrations, so that the data dictionary cannot forget one."""

import re

from .. import sql

SCHEMAS = ("published", "intake")


def columns() -> dict[str, list[str]]:
    """View -> its columns, in the order of the SQL; a view that is replaced by a later migration counts as replaced."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((sql.FOLDER / "migrations").glob("*.sql")))
    text = re.sub(r"--[^\n]*", "", text)
    known = {name: _of_table(body) for name, body in re.findall(r"CREATE TABLE (core\.\w+) \((.*?)\);", text, re.S)}
    for name, column in re.findall(r"ALTER TABLE (core\.\w+) ADD COLUMN (\w+)", text):
        known[name].append(column)
    found = {}
    for name, body in re.findall(r"CREATE (?:OR REPLACE )?VIEW (\w+\.\w+) AS\s(.*?);\s*(?=\n|$)", text, re.S):
        known[name] = _of_select(body, known)
        if name.split(".")[0] in SCHEMAS:
            found[name] = known[name]
    return found


def _of_table(body: str) -> list[str]:
    entries = [entry.strip() for entry in _split(body)]
    return [e.split()[0] for e in entries if not re.match(r"(PRIMARY|UNIQUE|FOREIGN|CONSTRAINT|CHECK)\b", e)]


def _of_select(body: str, known: dict[str, list[str]]) -> list[str]:
    flat = _without_brackets(body)
    start = re.search(r"\bSELECT\b(?:\s+DISTINCT(?:\s+ON\s+\x00+)?)?", flat)
    end = re.search(r"\bFROM\b", flat[start.end() :]).start() + start.end()
    names = []
    for at, piece in _pieces(flat[start.end() : end]):
        text = body[start.end() + at : start.end() + at + len(piece)].strip()
        if text == "*" or text.endswith(".*"):
            names += known[_source(body[end:], text)]
        else:
            names.append(re.search(r"(\w+)$", text)[1])
    return names


def _source(rest: str, star: str) -> str:
    if star == "*":
        return re.match(r"FROM\s+([\w.]+)", rest)[1]
    return re.search(rf"(?:FROM|JOIN)\s+([\w.]+)\s+(?:AS\s+)?{star[:-2]}\b", rest)[1]


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
