"""`make bench`: this pipeline against the plain way, on the same generated order lines, in one run.

Each way runs in its own process on its own fresh PostgreSQL (and S3 server). Both must give the same findings and the
same results, or the benchmark fails. Prints a table and writes it to bench/RESULTS.md.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare

HERE = Path(__file__).resolve().parent
WAYS = {
    "plain": "plain: read_csv, pandera lazy=True, to_sql, one SQL refresh",
    "copy": "plain, with a COPY callable for to_sql",
    "ours-1": "this pipeline, one worker",
    "ours-2": "this pipeline, two workers (as Airflow would)",
}
ONE_FILE = 3  # files that are timed one by one
FEWEST = 8  # trusts: prices of fewer than three are not compared


def main() -> None:
    """Runs the benchmark, or one way of it when called as a child."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="order lines in all, 50,000 a file")
    parser.add_argument("--rounds", type=int, default=1, help="times that each way runs; medians are shown")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument(
        "--folder", type=Path, help="where files and databases are kept; removed afterwards if not given"
    )
    parser.add_argument("--child", nargs=2, metavar=("WAY", "OUT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        way, out = asked.child
        (Path(out) / "figures.json").write_text(json.dumps(_child(way, asked.folder, Path(out))))
        return
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tb-bench-")))
        figures, counts = bench(folder, asked.lines, asked.ways, asked.rounds)
    report = table(figures, counts, asked.lines, asked.rounds)
    print("\n" + report)
    if set(asked.ways) == set(WAYS) and asked.lines >= 1_000_000:  # a try-out is not kept
        save(report, asked.lines)


def bench(folder: Path, lines: int, ways, rounds: int = 1, singles=("plain-one", "ours-one")) -> tuple[dict, dict]:
    """Every way's figures (a list, one entry a round; `singles` take files one by one), and how many findings and results all of them gave.

    Raises:
        SystemExit: when two ways do not give the same.
    """
    from trust_benchmarks_local.sample import bench_lines

    say(f"Writing {lines:,} order lines")
    bench_lines.write(lines, trusts=max(FEWEST, -(-lines // bench_lines.A_FILE)), folder=folder / "files")
    figures, first, counts = {}, None, {}
    for number in range(rounds):
        for way in (*ways, *singles):
            say(WAYS.get(way, "one file at a time, " + way.removesuffix("-one")))
            out = folder / f"out-{way}-{number}"
            out.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, __file__, "--folder", str(folder), "--child", way, str(out)]
            subprocess.run(command, check=True)
            figure = json.loads((out / "figures.json").read_text())
            figures.setdefault(way, []).append(figure)
            say(
                "  "
                + ", ".join(f"{step} {seconds:.1f} s" for step, seconds in figure["steps"].items() if step in COUNTED)
            )
            if way in ways:
                first = first or out
                differences, counts = compare.folders(first, out)
                if differences:
                    raise SystemExit(f"{way} differs from {first.name[4:]}:\n" + "\n".join(differences))
                if out is not first:
                    shutil.rmtree(out)
    return figures, counts


def say(what: str) -> None:
    """One line a step."""
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


def _child(way: str, folder: Path, out: Path) -> dict:
    """Runs one way on fresh services, keeps what it stored in `out`, and returns its figures."""
    from trust_benchmarks.stores import warehouse
    from trust_benchmarks_local import services
    from watch import Watch, peak_mb

    paths = sorted((folder / "files" / "procurement_prices").glob("*.csv"))
    watch, peak, kind = Watch(), 0.0, way.split("-")[0]
    state = folder / f"state-{way}"
    try:
        with services.running(state):
            if kind == "ours":
                import ours
                from trust_benchmarks.ingest import reference_load

                warehouse.migrate()
                reference_load.refresh()
                if way == "ours-one":
                    ours.one_by_one(paths[:ONE_FILE], watch)
                else:
                    peak = ours.run(paths, int(way[-1]), watch)
                    compare.keep(out, compare.OURS)
                    peak = max(peak, peak_mb())
                    if way == "ours-1":
                        ours.again(paths[0], folder, watch)
            else:
                import plain

                engine, method = warehouse.engine(warehouse.OWNER), plain.copy if kind == "copy" else None
                if way == "plain-one":
                    for path in paths[:ONE_FILE]:
                        with watch(path.name):
                            plain.run([path], engine, method, Watch(), refresh=False)
                else:
                    plain.run(paths, engine, method, watch)
                    peak = peak_mb()
                    compare.keep(out, compare.PLAIN)
    finally:
        shutil.rmtree(state, ignore_errors=True)
    return {"steps": watch.steps, "cpu": watch.cpu, "peak_mb": peak}


def table(figures: dict, counts: dict, lines: int, rounds: int) -> str:
    """What was measured, as Markdown."""
    total = {way: _median(figures[way], _total) for way in WAYS if way in figures}
    plain, copy, ours = total.get("plain"), total.get("copy"), total.get("ours-2") or total.get("ours-1")
    rows = [
        f"## {lines:,} order lines",
        "",
        f"{dt.date.today():%d %B %Y}, {_machine()}, Python {platform.python_version()}: `make bench"
        + (f" LINES={lines}" if lines != 1_000_000 else "")
        + "`"
        + (f", medians of {rounds} rounds" if rounds > 1 else "")
        + f". Every way gave the same {counts['findings']:,} findings and the same results "
        f"({counts['spread']:,} products, {counts['position']:,} prices of a trust, {counts['measures']:,} measures).",
        "",
        "| way | seconds | plain : this | CPU seconds, servers included | plain : this | peak MB of a process | steps (s) |",
        "|---|---|---|---|---|---|---|",
    ]
    for way, seconds in total.items():
        steps = figures[way][0]["steps"]
        shown = ", ".join(
            f"{k} {_median(figures[way], lambda f, k=k: f['steps'][k]):.1f}" for k in steps if k in COUNTED
        )
        peak = max(figure["peak_mb"] for figure in figures[way])
        ratio = f"{plain / seconds:.1f}" if plain else ""
        cpu = _median(figures[way], _cpu)
        cpu_ratio = f"{_median(figures['plain'], _cpu) / cpu:.1f}" if plain else ""
        rows.append(f"| {WAYS[way]} | {seconds:.1f} | {ratio} | {cpu:.1f} | {cpu_ratio} | {peak:,.0f} | {shown} |")
    rows += ["", "| goal | wanted | measured |", "|---|---|---|"]
    large = lines >= 10_000_000
    if plain and ours:
        rows.append(f"| plain : ours | {10 if large else 8} | {plain / ours:.1f} |")
    if copy and ours:
        rows.append(f"| plain with COPY : ours | {'4' if large else '4 (at 10 million)'} | {copy / ours:.1f} |")
    single = {kind: _median(figures[f"{kind}-one"], _one) for kind in ("plain", "ours")}
    rows.append(
        f"| one trust's file, archive to accepted records, plain : ours | 3 | {single['plain'] / single['ours']:.1f} "
        f"({single['plain']:.2f} s : {single['ours']:.2f} s) |"
    )
    peak = max(f["peak_mb"] for way in figures if way.startswith("ours") for f in figures[way])
    rows.append(
        f"| peak memory of one process | {'1,500 MB' if large else '1,500 MB (at 10 million)'} | {peak:,.0f} MB |"
    )
    if "ours-1" in figures:
        again = _median(figures["ours-1"], lambda f: f["steps"]["again"])
        whole = _median(figures["ours-1"], lambda f: f["steps"]["process"] + f["steps"]["publish"])
        rows.append(
            f"| one resubmitted file against the whole month, archive to published, one worker | 1 : 3 | "
            f"1 : {whole / again:.1f} ({again:.1f} s : {whole:.1f} s) |"
        )
    return "\n".join(rows) + "\n"


COUNTED = ("read", "validate", "store", "refresh", "receive", "process", "publish")


def _total(figure: dict) -> float:
    return sum(seconds for step, seconds in figure["steps"].items() if step in COUNTED)


def _cpu(figure: dict) -> float:
    return sum(seconds for step, seconds in figure["cpu"].items() if step in COUNTED)


def _one(figure: dict) -> float:
    return statistics.median(figure["steps"].values())


def _median(figures: list[dict], of) -> float:
    return statistics.median(map(of, figures))


def _machine() -> str:
    # Who reads the figures must know what else the machine did: 15 minutes' load beside ours.
    busy = os.getloadavg()[2]
    return f"{os.cpu_count()} cores (load {busy:.1f}), {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def save(report: str, lines: int) -> None:
    """Puts the report into RESULTS.md, in place of an older one of the same size."""
    path = HERE / "RESULTS.md"
    old = path.read_text() if path.exists() else ""
    parts = {int(re.sub(r"\D", "", part.split("order")[0])): part for part in re.split(r"(?m)^(?=## )", old)[1:]}
    parts[lines] = report
    text = ["# What `make bench` measured", NOTES, *(parts[n].strip() for n in sorted(parts))]
    path.write_text("\n\n".join(text) + "\n")


NOTES = """The files are in the inbox (ours) or on the disk (plain) when the clock starts; starting processes and servers and
importing are left out of every way. Ours archives each file in the object store first, and does more than it is compared
for: messages for people, quality measures, percentile ranks, quartiles by sector, a ledger. Both use the same PostgreSQL."""


if __name__ == "__main__":
    main()
