"""The skeleton of one more collection: every file it is made of, filled from the blueprints beside this module."""

import datetime as dt
import keyword
import re
from pathlib import Path
from string import Template

from .. import catalogue
from ..reading.harmless import harmless
from . import Refused

BLUEPRINTS = Path(__file__).parent / "blueprints"
PACKAGE = Path(__file__).resolve().parents[1]

# blueprint -> where it goes, from the folder above include/ ("include" stands for that folder's own name); a blueprint
# whose name starts with "national_" takes its place for a national collection
FILES = {
    "catalogue.toml": "include/catalogue/$name/collection.toml",
    "schema.py": "include/schemas/$name.py",
    "layout.toml": "include/catalogue/$name/layouts.toml",
    "measures.sql": "include/sql/measures/$name.sql",
    "metrics.toml": "include/catalogue/$name/metrics.toml",
    "valid.csv": "tests/collections/$name/${name}${of}_$period.csv",
    "broken.csv": "tests/collections/$name/${name}${of}_${period}_broken.csv",
    "README.md": "tests/collections/$name/README.md",
    "test.py": "tests/collections/$name/test_collection_$name.py",
    "second.py": "tests/sql/$name/second.py",
    "case_README.md": "tests/sql/$name/first_case/README.md",
    "case_expected.csv": "tests/sql/$name/first_case/expected.csv",
    "case_providers.csv": "tests/sql/$name/first_case/providers.csv",
    "case_submissions.csv": "tests/sql/$name/first_case/submissions.csv",
    "case_records.csv": "tests/sql/$name/first_case/records.csv",
    "case_expected_measures.csv": "tests/sql/$name/first_case/expected_measures.csv",
}
KINDS = {
    "each_trust": {"of": "_RY8", "case_provider": "RY8", "case_sender": "RY8"},
    "national": {"of": "", "case_provider": "", "case_sender": "NHSE"},
}
FREQUENCIES = {
    "month": {
        "frequency_words": "month",
        "frequency_tag": "monthly",
        "period": "2025-06",
        "period_title": "Month",
        "period_pattern": "MONTH",
        "period_regex": r"(?P<year>\d{4})-(?P<month>\d{2})",
    },
    "financial_year": {
        "frequency_words": "financial year",
        "frequency_tag": "yearly",
        "period": "2024-25",
        "period_title": "Financial year",
        "period_pattern": "FINANCIAL_YEAR",
        "period_regex": r"(?P<year>\d{4})-(?P<next>\d{2})",
    },
}
TO_DO = """
What to fill in (search for TO DO):
  1. {catalogue}: description, owner, who sends it, deadlines, bounds
  2. {schema}: its fields and rules; they make the template, the checks and the data dictionary
  3. {layout}: the headings of the files, where they are not the schema's own field names
  4. {measures}: its measures, and their definitions in {metrics}
  5. {tests}: files that show each rule, and {cases}: records in, figures out, and second.py, the figures a second way

Then: trust-benchmarks check {valid}
      pytest {tests} tests/sql/test_cases.py -k {name}
      trust-benchmarks dictionary && make test
Step by step: docs/adding-a-collection.md
No DAG, table or page is written by hand: collect_{name} is there at the next start.
"""


def write(name: str, frequency: str, into: Path | None = None, kind: str = "each_trust") -> list[Path]:
    """Writes the files of a new collection and prints what to fill in; writes nothing if it cannot write all.

    Args:
        name: lower-case letters, digits and underscores.
        frequency: 'month' or 'financial_year'.
        into: the include folder of a checkout; None is the one that this command belongs to.
        kind: 'each_trust' (a file a provider) or 'national' (one publisher's file).

    Raises:
        Refused: a bad or taken name, an unknown frequency or kind, or a folder that is not one of ours or cannot be written.
    """
    include = (into or PACKAGE).resolve()
    _refuse_name(name, include)
    if frequency not in FREQUENCIES:
        raise Refused(f"'{frequency}' is no frequency. Expected {' or '.join(FREQUENCIES)}.")
    if kind not in KINDS:
        raise Refused(f"'{harmless(kind[:60], None)}' is no kind of collection. Expected {' or '.join(KINDS)}.")
    today = dt.date.today()
    words = (
        FREQUENCIES[frequency]
        | KINDS[kind]
        | {
            "name": name,
            "frequency": frequency,
            "title": name.replace("_", " ").capitalize(),
            "words": name.replace("_", " "),
            "dashed": name.replace("_", "-"),
            "prefix": _prefix(name, include),
            "today": f"{today:%Y-%m-%d}",
            "next_year": f"{today + dt.timedelta(days=365):%Y-%m-%d}",
        }
    )
    paths = {blueprint: _place(include, Template(where).substitute(words)) for blueprint, where in FILES.items()}
    if taken := [path for path in paths.values() if path.exists()]:
        raise Refused(f"{taken[0]} exists already. Choose another name, or remove what is there.")
    written = []
    try:
        for blueprint, path in paths.items():
            text = _blueprint(blueprint, kind).read_text(encoding="utf-8")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(Template(text).substitute(words))
    except OSError as problem:
        for path in written:
            path.unlink(missing_ok=True)
        raise Refused(
            f"{path} cannot be written ({problem.strerror}). Nothing was left behind; make room or rights."
        ) from None
    _print(include, name, paths)
    return written


def _blueprint(name: str, kind: str) -> Path:
    own = BLUEPRINTS / f"{kind}_{name}.txt"
    return own if own.exists() else BLUEPRINTS / f"{name}.txt"


def _refuse_name(name: str, include: Path) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or not 3 <= len(name) <= 40 or keyword.iskeyword(name):
        raise Refused(
            f"'{harmless(name[:60], None)}' cannot be the name of a collection. "
            "Expected 3 to 40 lower-case letters, digits and single underscores, such as waiting_times."
        )
    if not (include / "catalogue").is_dir() or not (include / "schemas").is_dir():
        raise Refused(
            f"{include} is not an include folder (it has no catalogue and schemas). Name the right one with --into."
        )
    folders = ("catalogue", "schemas")
    taken = {path.stem for folder in folders for path in (include / folder).iterdir()}
    if name in taken:
        known = ", ".join(sorted(path.parent.name for path in (include / "catalogue").glob("*/collection.toml")))
        raise Refused(f"The name {name} is taken. Collections: {known}. Choose another.")
    longer = next((n for n in catalogue.all() if n.startswith(name + "_") or name.startswith(n + "_")), None)
    if longer:
        raise Refused(
            f"The name {name} and that of the collection {longer} start alike, so files named after them could be "
            "taken for one another. Choose another."
        )


def _prefix(name: str, include: Path) -> str:
    """Two to four capitals that no other collection's rules or metrics start with: initials, or the first letters."""
    files = [*(include / "schemas").glob("*.py"), *(include / "catalogue").glob("*/metrics.toml")]
    used = "\n".join(path.read_text(encoding="utf-8") for path in files)
    letters = re.sub(r"[^a-z]", "", name)
    initials = "".join(word[0] for word in name.split("_") if word[0].isalpha())[:4]
    for start in (initials if len(initials) > 1 else letters[:2], letters[:3], letters[:4], letters):
        if f'"{start.upper()}-' not in used and f'"{start.upper()}01"' not in used:
            return start.upper()
    return letters.upper()


def _place(include: Path, where: str) -> Path:
    return include / where.removeprefix("include/") if where.startswith("include/") else include.parent / where


def _print(include: Path, name: str, paths: dict[str, Path]) -> None:
    def short(path: Path) -> str:
        return str(path.relative_to(include.parent))

    print(f"Wrote {len(paths)} files of the collection {name}:")
    for path in paths.values():
        print(f"  {short(path)}")
    print(
        TO_DO.format(
            catalogue=short(paths["catalogue.toml"]),
            schema=short(paths["schema.py"]),
            layout=short(paths["layout.toml"]),
            measures=short(paths["measures.sql"]),
            metrics=short(paths["metrics.toml"]),
            tests=short(paths["valid.csv"].parent),
            cases=short(paths["case_records.csv"].parents[1]),
            valid=short(paths["valid.csv"]),
            name=name,
        ).rstrip()
    )
