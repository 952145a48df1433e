"""What the tests of the command share."""

from pathlib import Path

import pytest
import running


@pytest.fixture
def tb():
    """A function that runs the command in this process."""
    return running.here


@pytest.fixture
def tb_process():
    """A function that runs the command in a process of its own, as a person does."""
    return running.command


@pytest.fixture(scope="session")
def workforce_rows() -> list[list[str]]:
    """A made-up workforce return without faults: the headings, then a row a staff group."""
    from trust_benchmarks.schemas.workforce import STAFF_GROUPS

    head = "ods_code period staff_group headcount fte joiners_hc leavers_hc fte_days_available fte_days_lost substantive_pay_gbp"
    wanted = head.split()
    from trust_benchmarks import schemas

    names = list(schemas.load("workforce").fields)
    row = dict(zip(wanted, ["RY8", "2025-06", "", "100", "90.5", "2", "1", "2715", "120", "350000"], strict=True))
    return [names, *[[(row | {"staff_group": group}).get(name, "") for name in names] for group in STAFF_GROUPS]]


@pytest.fixture
def workforce_file(tmp_path, workforce_rows):
    """A function that writes the made-up return with some cells changed: {(line, field): text}."""

    def write(changes: dict | None = None, name: str = "workforce_RY8_2025-06.csv") -> Path:
        rows = [list(row) for row in workforce_rows]
        for (line, field), text in (changes or {}).items():
            rows[line - 1][rows[0].index(field)] = text
        lines = [
            ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set(',"\n') else c for c in r) for r in rows
        ]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write
