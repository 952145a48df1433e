"""`new-collection`: what it writes works at once, and nothing is written when it cannot be whole."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from running import Ran
from trust_benchmarks import catalogue

HERE = Path(__file__).parent
ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "waiting_times": ("month", "each_trust"),
    "lifts": ("financial_year", "each_trust"),
    "delayed_discharges": ("month", "national"),
    "fire_drills": ("financial_year", "national"),
}


@dataclass(frozen=True)
class Checkout:
    """The copy, and the process that has imported its package and runs its commands (forking.py)."""

    folder: Path
    process: subprocess.Popen

    def command(self, *arguments, env: dict[str, str] | None = None) -> Ran:
        """Runs the command of the copy."""
        return self._ask(arguments=list(map(str, arguments)), environment=env or {})

    def code(self, text: str) -> Ran:
        """Runs Python code in the copy."""
        return self._ask(code=text, environment={})

    def _ask(self, **asked) -> Ran:
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return Ran(**json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the package, the DAGs and the plugins in which new collections may be written."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("*.egg-info")  # what is compiled comes with it
    for name in ("include", "dags", "plugins"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    (folder / "path").mkdir()
    (folder / "path" / "trust_benchmarks").symlink_to(folder / "include")
    (folder / "tests" / "sql").mkdir(parents=True)
    for path in (ROOT / "tests" / "sql").glob("*.py"):
        shutil.copy(path, folder / "tests" / "sql")
    shutil.copy(ROOT / "tests" / "sizes.py", folder / "tests" / "sql")
    (folder / ".gitignore").write_text("__pycache__/\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    with subprocess.Popen(
        [sys.executable, HERE / "forking.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment(folder),
    ) as process:
        copy = Checkout(folder, process)
        for name, (frequency, kind) in NAMES.items():
            ran = copy.command("new-collection", name, "--frequency", frequency, "--kind", kind)
            assert (ran.code, ran.err) == (0, "")
            assert f"collect_{name}" in ran.out and "TO DO" in ran.out
            assert sorted(path.name for path in (folder / "tests" / "collections" / name).iterdir())[0] == "README.md"
        yield copy
        process.stdin.close()


def git(folder: Path, *arguments) -> str:
    """What git says of the copy, which is a repository of its own."""
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True).stdout


def environment(folder: Path) -> dict[str, str]:
    """One in which the package is the copy's, without our own settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    own = {"PYTHONPATH": str(folder / "path"), "AIRFLOW_HOME": str(folder / "airflow"), "COLUMNS": "160"}
    return clean | own


def python(folder: Path, *arguments) -> subprocess.CompletedProcess:
    """Runs Python in the copy."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder),
        timeout=120,
    )


def test_nothing_outside_its_own_files_is_touched(checkout):
    """As git sees it: every file that is new bears the name of the collection, in its path, and no other file changed."""
    said = git(checkout.folder, "status", "--porcelain", "-uall").splitlines()
    changed = {line[3:] for line in said if not line.startswith("A ")}
    assert all(line.startswith("?? ") for line in said if line[3:] in changed)
    own = {name: {path for path in changed if name in re.split(r"[/.]", path)} for name in NAMES}
    assert set.union(*own.values()) == changed
    assert {len(files) for files in own.values()} == {16}


def named_in_code(path: Path) -> set[str]:
    """The collections that a module names in a string of its own or in an import; examples in its docstrings do not count."""
    tree, known = ast.parse(path.read_text(encoding="utf-8")), set(catalogue.all())
    strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    modules = {part for n in imports for part in (n.module or "").split(".")} | {
        a.name for n in imports for a in n.names
    }
    return (strings | modules) & known


def test_deployed_code_names_no_collection():
    """A table of collections in code, or a data file about several, would be one more place to change for a new one."""
    allowed = {
        "include/desk/figure_data.py": {"workforce"},  # the page that opens when no collection was chosen
        "include/timeline/event_checks.py": {"workforce"},  # an example of what to write into a field
        "include/validation/profile.py": {"drug_tariff", "procurement_prices"},  # check digits of their codes
    }
    own = [ROOT / "include" / folder for folder in ("catalogue", "schemas")]
    found = {}
    for folder in ("include", "dags", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            if not (path.parent in own and path.stem in catalogue.all()) and (names := named_in_code(path)):
                found[path.relative_to(ROOT).as_posix()] = names
    assert {path: names - allowed.get(path, set()) for path, names in found.items()} == {path: set() for path in found}
    for path in (ROOT / "include").rglob("*.toml"):
        if path.parent.parent != ROOT / "include" / "catalogue":
            declared = tomllib.loads(path.read_text(encoding="utf-8"))
            keys = {*declared} | {key for value in declared.values() if isinstance(value, dict) for key in value}
            assert not keys & set(catalogue.all()), path


@pytest.mark.parametrize("name", NAMES)
def test_its_returns_can_be_checked(checkout, name):
    valid, broken = sorted((checkout.folder / "tests" / "collections" / name).glob("*.csv"))
    if "broken" in valid.name:
        valid, broken = broken, valid
    told = json.loads(checkout.command("check", valid, "--format", "json").out)
    sender = {"each_trust": "RY8", "national": "NHSE"}[NAMES[name][1]]
    assert (told["state"], told["collection"], told["sender"]) == ("accepted", name, sender)
    ran = checkout.command("check", broken, "--format", "json")
    told = json.loads(ran.out)
    assert ran.code == 1 and told["state"] == "held"
    assert told["findings"][0]["rule_id"] == "CEILING" and len(told["findings"]) == (2 if sender == "RY8" else 3)


def test_what_looks_at_every_collection_finds_it_and_its_own_tests_pass(checkout):
    """Its own tests; its SQL case and its figures over random returns a second time, by the tests of all collections."""
    files = ("tests/collections", "tests/sql/test_cases.py", "tests/sql/test_second_calculation.py")
    chosen = "test_collection or first_case or waiting_times-1"
    ran = python(checkout.folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", chosen)
    # 10 of the four collections' own; each of four cases complete, computed, and its messages; four of the second calculation
    assert ran.returncode == 0 and "26 passed" in ran.stdout, ran.stdout[-2000:]


def test_its_template_and_its_pages_follow(checkout, services):
    assert checkout.command("template", "lifts").out == "ods_code,period,things_due,things_done\n"
    assert checkout.command("dictionary", env=services).code == 0
    page = (checkout.folder / "docs" / "data-dictionary.md").read_text()
    assert "### waiting_times\n" in page and "WT-R1" in page and "### lifts\n" in page and "LI-R1" in page


def test_its_dag_parses(checkout):
    """Read as the DAG processor does, with the plugin's folder on the path."""
    look = (
        "import sys; sys.path[:0] = ['plugins', 'dags']; import collect; "
        "print(*sorted(name for name in vars(collect) if name.startswith('collect_')))"
    )
    ran = python(checkout.folder, "-c", look)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert {"collect_waiting_times", "collect_lifts", "collect_workforce"} <= set(ran.stdout.split())


def test_its_measures_compute_and_its_metric_is_fed(checkout):
    """The SQL runs in DuckDB over records of the valid return, and gives one value; the metric's definition is in order."""
    code = """
import datetime, polars as pl
from pathlib import Path
from trust_benchmarks import reference
from trust_benchmarks.measures import measure
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation.validate import validate
path = Path('tests/collections/waiting_times/waiting_times_RY8_2025-06.csv')
found = validate(read(path.read_bytes(), path.name, 'waiting_times'))
found.records.insert_column(0, pl.Series('submission_id', ['s1'])).write_parquet('records.parquet')
row = dict(collection='waiting_times', period='2025-06', provider_code='RY8', sender='RY8', part='', submission_id='s1',
           state='accepted', version=1, rows_read=1, rows_recorded=1, rows_rejected=0, cells_expected=4, cells_valid=4,
           is_current=True, is_sample=False, on_time=True)
inputs = measure.Inputs('waiting_times', '2025-06', {'waiting_times': [Path('records.parquet')]}, pl.DataFrame([row]),
                        pl.DataFrame([dict(collection='waiting_times', period='2025-06', sender='RY8')]), reference.load())
print(measure.compute(inputs).measures.filter(metric_id='WT01').select('provider_code', 'value').rows())
tables = reference.load()
print(reference.check(tables), {metric.metric_id: metric.fed_by for metric in tables.metrics}['WT01'])
"""
    ran = checkout.code(code)
    assert ran.out == "[('RY8', 92.5)]\n[] ('waiting_times',)\n", ran.err[-2000:]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["workforce"], "is taken"),
        (["waiting_times"], "is taken"),
        (["fields"], "is taken"),
        (["estates_more"], "start alike"),
        (["Waiting"], "cannot be the name"),
        (["../up"], "cannot be the name"),
        (["a__b"], "cannot be the name"),
        (["import"], "cannot be the name"),
        (["x" * 41], "cannot be the name"),
        (["new_name", "--frequency", "week"], "is no frequency"),
        (["new_name", "--kind", "regional"], "is no kind"),
        (["new_name", "--into", "dags"], "is not an include folder"),
    ],
)
def test_what_cannot_be_written_is_said(checkout, arguments, says):
    def files():
        found = checkout.folder.rglob("*")
        return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)

    before = files()
    ran = checkout.command("new-collection", *arguments)
    assert (ran.code, ran.out) == (2, "") and says in ran.err
    assert files() == before


def test_a_file_in_the_way_stops_all_of_it(checkout):
    there = checkout.folder / "include" / "sql" / "measures" / "in_the_way.sql"
    there.write_text("mine")
    ran = checkout.command("new-collection", "in_the_way")
    assert ran.code == 2 and "exists already" in ran.err
    assert there.read_text() == "mine" and not (checkout.folder / "include" / "catalogue" / "in_the_way").exists()
    there.unlink()
