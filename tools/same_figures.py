"""`make same-figures BASE=<commit>`: whether this checkout publishes the same figures as another commit, value for value.

Both collect the same inbox in a fresh state folder with `make run ONCE=1` (the default sample, or INBOX=folder), each in its own
checkout and environment; then every view below is read through `trust-benchmarks query` and compared row for row, as text. Columns
that name a release or a moment of publishing differ between any two runs and are left out. Differences that are intended stand in
`intended_differences.toml` with their reason. What the base published is kept in .same-figures/, so that it is run once.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import polars as pl

HERE = Path(__file__).resolve().parents[1]
KEPT = HERE / ".same-figures"
VIEWS = [
    "measures",
    "benchmarks",
    "comparisons",
    "price_comparison",
    "price_spread",
    "price_list",
    "kept_apart",
    "signals",
    "funnel",
    "size_adjusted",
    "peers",
    "peer_benchmarks",
    "measures_restated",
    "definitions_used",
    "recommendation_progress",
    "engagement_facts",
    "engagement_timeline",
    "reasons",
]
NAMES_A_RUN = {"release_id", "event_id"}
SHOWN = 5  # rows of each kind that differ


def main() -> int:
    """Compares, prints a line a view, and returns 1 if anything differs that is not intended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("--inbox", type=Path, help="a folder of collections instead of the sample")
    asked = parser.parse_args()
    intended = tomllib.loads((HERE / "tools" / "intended_differences.toml").read_text(encoding="utf-8"))["difference"]
    what = "sample" if asked.inbox is None else asked.inbox.resolve().name
    base = _git("rev-parse", "--short", asked.base)
    before = _published_by(base, what, asked.inbox)
    with tempfile.TemporaryDirectory(prefix="tb-same-") as folder:
        after = _read(HERE, Path(folder), asked.inbox, Path(folder) / "published")
        different = [name for name in VIEWS if not _same(name, before / name, after / name, intended)]
    if different:
        print(
            f"Not the same as {base}: {', '.join(different)}. Correct it, or list it in tools/intended_differences.toml."
        )
        return 1
    print(f"Every figure is as {base} published it.")
    return 0


def _published_by(base: str, what: str, inbox: Path | None) -> Path:
    """The folder of what the base commit publishes; made when it is not there."""
    kept = KEPT / f"{base}-{what}-{_sample()}"
    if not (kept / VIEWS[-1]).is_file():
        with tempfile.TemporaryDirectory(prefix="tb-base-") as folder:
            checkout = Path(folder) / "checkout"
            _git("worktree", "add", "--detach", str(checkout), base)
            try:
                subprocess.run(["make", "environment"], cwd=checkout, check=True, stdout=subprocess.DEVNULL)
                _read(checkout, Path(folder), inbox, kept)
            finally:
                _git("worktree", "remove", "--force", str(checkout))
    return kept


def _read(checkout: Path, folder: Path, inbox: Path | None, into: Path) -> Path:
    """Collects the inbox with a checkout's own code and writes each view as CSV."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TB_")}
    environment |= {name: value for name, value in os.environ.items() if name.startswith("TB_SAMPLE_")}
    environment |= {"TB_STATE": str(folder / "state"), "ONCE": "1", "INBOX": str(inbox or "")}
    print(f"{checkout}: collecting ...", flush=True)
    ran = subprocess.run(["make", "run"], cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"make run failed in {checkout}:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    into.mkdir(parents=True, exist_ok=True)
    for name in VIEWS:
        command = [
            ".venv/bin/trust-benchmarks",
            "query",
            f"SELECT * FROM published.{name}",
            "--format",
            "csv",
            "--timeout",
            "600",
        ]
        with (into / f"{name}.part").open("w", encoding="utf-8") as out:
            subprocess.run(command, cwd=checkout, env=environment, check=True, stdout=out, stderr=subprocess.DEVNULL)
        (into / f"{name}.part").rename(into / name)
    return into


def _same(name: str, before: Path, after: Path, intended: list[dict[str, Any]]) -> bool:
    """Compares one view and prints what was found."""
    own = [one for one in intended if one["view"] == name]
    left_out = {one["column"] for one in own if "digits" not in one}
    rounded = [
        pl.col(one["column"]).cast(pl.Float64).round_sig_figs(one["digits"]).cast(pl.String)
        for one in own
        if "digits" in one
    ]
    old, new = (pl.read_csv(path, infer_schema=False).with_columns(rounded) for path in (before, after))
    if name == "engagement_timeline":  # its sources name releases, which end in a hash of what they rest on
        unnamed = pl.col("source").str.replace(r"^(release .*)-[0-9a-f]{10}$", "${1}")
        old, new = (one.with_columns(unnamed) for one in (old, new))
    columns = [column for column in old.columns if column not in NAMES_A_RUN and column not in left_out]
    gone = [column for column in columns if column not in new.columns]
    columns = [column for column in columns if column in new.columns]
    counted = [frame.group_by(columns).len() for frame in (old, new)]
    lost, added = (
        one.join(other, on=[*columns, "len"], how="anti", nulls_equal=True) for one, other in (counted, counted[::-1])
    )
    same = not gone and not lost.height and not added.height
    print(f"{'same' if same else 'NOT THE SAME':13} {name:24} {old.height:8} rows, {len(columns)} columns", flush=True)
    for one in own:
        print(f"              intended: {one['column']}: {one['reason']}")
    if gone:
        print(f"              columns that are gone: {', '.join(gone)}")
    for words, frame in (("only before", lost), ("only now", added)):
        if frame.height:
            print(f"              {words}: {frame.height} rows")
            for row in frame.sort(columns).head(SHOWN).rows(named=True):
                print("             ", {key: value for key, value in row.items() if value is not None})
    return same


def _sample() -> str:
    """The size of sample that the environment asks for, to tell kept results apart."""
    sizes = [os.environ[name] for name in sorted(os.environ) if name.startswith("TB_SAMPLE_")]
    return "-".join(sizes) or "default"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
