"""`python bench/growth.py`: what a sample comes to in every store, on fresh services: rows and bytes of each table and bucket.

Run it at two sizes (`--trusts 20` and `--trusts 60`) with `--out`, then `--compare SMALL LARGE`: what a file and a release come to at 220 trusts, by what
grew between the two. docs/sizing.md has the figures.
"""

import argparse
import csv
import json
import multiprocessing
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from watch import Watch, peak_mb

TABLES = """SELECT c.relname::text, c.reltuples::bigint, pg_total_relation_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c
WHERE c.relnamespace = 'core'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 3 DESC"""
OF_RELEASES = """SELECT table_name::text FROM information_schema.columns
WHERE table_schema = 'core' AND column_name = 'release_key' AND table_name IN (SELECT relname FROM pg_class WHERE relkind = 'r')"""
ROWS = "SELECT r.collection, count(*) FROM core.{} t JOIN core.release r USING (release_key) GROUP BY 1"
PLACES = ("inbox", "archive", "records", "exports")


def main() -> None:
    """Takes in a sample, publishes and exports it, and prints what it came to as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trusts", type=int, default=30)
    parser.add_argument("--months", type=int, default=4)
    parser.add_argument("--lines", type=int, default=200, help="procurement lines a trust and month")
    parser.add_argument("--out", type=Path, help="write the JSON there too")
    parser.add_argument("--compare", type=Path, nargs=2, help="two such files: what they come to for 220 trusts")
    asked = parser.parse_args()
    if asked.compare:
        return compare(*(json.loads(path.read_text()) for path in asked.compare))
    with tempfile.TemporaryDirectory(prefix="tb-growth-") as folder:
        found = run(Path(folder), asked.trusts, asked.months, asked.lines)
    text = json.dumps(found, indent=1)
    if asked.out:
        asked.out.write_text(text)
    print(text)


def run(folder: Path, trusts: int, months: int, lines: int) -> dict:
    """Everything that is kept of such a sample."""
    from trust_benchmarks.ingest import receive, reference_load, waiting
    from trust_benchmarks.records.validate_and_record import validate_and_record
    from trust_benchmarks.releases import build, candidates, export, switch
    from trust_benchmarks.stores import objects, settings, warehouse
    from trust_benchmarks.timeline import refresh
    from trust_benchmarks_local import sample, services

    made = sample.write(folder / "sample", providers=trusts, periods=months, lines=lines)
    watch = Watch()
    with services.running(folder / "state"):
        warehouse.migrate()
        reference_load.refresh()
        empty = _database()
        _send(folder / "sample")
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, spawn) as pool:
            with watch("receive"):
                pairs = receive.receive()["waiting"]
            with watch("process"):
                list(pool.map(validate_and_record, [batch for pair in pairs for batch in waiting.batches(*pair)]))
        with watch("publish"):
            for collection, period in candidates.stale():
                build.make(collection, period)
            switch.switch()
            refresh.refresh()
        with watch("export"):
            export.export_missing()
        of = settings.load()
        buckets = {place: _bucket(objects.listing(getattr(of, place)), place) for place in PLACES}
        with warehouse.connect(warehouse.OWNER) as connection:
            connection.autocommit = True
            connection.execute("ANALYZE")
            tables = {
                name: {"rows": rows, "bytes": size, "indexes": index}
                for name, rows, size, index in connection.execute(TABLES)
                if rows > 0
            }
            releases = dict(connection.execute("SELECT collection, count(*) FROM core.release GROUP BY 1").fetchall())
            of_releases = {
                name: dict(connection.execute(ROWS.format(name)).fetchall())
                for (name,) in connection.execute(OF_RELEASES).fetchall()
            }
            validations = dict(
                connection.execute(
                    "SELECT collection, count(*) FROM core.validation JOIN core.submission USING (submission_id) GROUP BY 1"
                ).fetchall()
            )
        return {
            "asked": {"trusts": trusts, "months": months, "lines": lines},
            "files": dict(made.files), "rows": dict(made.rows), "bytes": dict(made.bytes), "validations": validations,
            "releases": releases, "buckets": buckets, "database": {"empty": empty, "now": _database()},
            "tables": tables, "rows_of_releases": of_releases,
            "cache": sum(path.stat().st_size for path in of.cache.rglob("*") if path.is_file()),
            "peak_mb_of_publishing": peak_mb(), "seconds": watch.steps, "processor_seconds": watch.cpu,
        }  # fmt: skip


def compare(small: dict, large: dict, trusts: int = 220) -> None:
    """Prints what one more file, and a release of each collection at so many trusts, come to."""
    per_row = {name: one["bytes"] / one["rows"] for name, one in large["tables"].items()}
    of_releases = large["rows_of_releases"]
    files = sum(large["files"].values()) - sum(small["files"].values())
    print("A file more (bytes of the ledger, with indexes):")
    total = 0.0
    for name, one in large["tables"].items():
        if (
            name not in of_releases
            and (more := (one["bytes"] - small["tables"].get(name, {"bytes": 0})["bytes"]) / files) > 20
        ):
            total += more
            print(f"  {name:18} {more:8,.0f}")
    print(f"  {'all':18} {total:8,.0f}")
    step = large["asked"]["trusts"] - small["asked"]["trusts"]
    print(f"A release at {trusts} trusts (rows and bytes):")
    for collection, count in large["releases"].items():
        parts = {}
        for name, of in of_releases.items():
            rows, before = (
                of.get(collection, 0) / count,
                small["rows_of_releases"][name].get(collection, 0) / small["releases"][collection],
            )
            parts[name] = max(rows, rows + (rows - before) / step * (trusts - large["asked"]["trusts"]))
        size = {name: rows * per_row.get(name, 200) for name, rows in parts.items()}
        largest = sorted(size, key=size.get)[:-4:-1]
        print(
            f"  {collection:20} {sum(parts.values()):10,.0f} {sum(size.values()) / 1e6:8.2f} MB, of which "
            + ", ".join(f"{name} {size[name] / 1e6:.2f}" for name in largest)
        )
    for place in PLACES[2:]:
        print(place, {name: [count, size] for name, (count, size) in large["buckets"][place].items()})


def _send(folder: Path) -> None:
    """Puts the sample into the inbox, each file as it would have come."""
    from trust_benchmarks.stores import objects, settings

    with (folder / "arrivals.csv").open(encoding="utf-8") as file:
        arrived = {row["path"]: row["arrived_at"] for row in csv.DictReader(file)}
    for path, moment in arrived.items():
        objects.client().put_object(
            Bucket=settings.load().inbox,
            Key=path,
            Body=(folder / path).read_bytes(),
            Metadata={"sample": "true", "arrived-at": moment},
        )


def _bucket(listing, place: str) -> dict[str, list[int]]:
    """Objects and bytes by the first part of their names (of findings: by themselves)."""
    count, size = Counter(), Counter()
    for one in listing:
        name = (
            "findings" if "/findings/" in one.key else one.key.split("/")[0] if place in ("inbox", "records") else "all"
        )
        count[name] += 1
        size[name] += one.size
    return {name: [count[name], size[name]] for name in sorted(count)}


def _database() -> int:
    from trust_benchmarks.stores import warehouse

    with warehouse.connect() as connection:
        return connection.execute("SELECT pg_database_size(current_database())").fetchone()[0]


if __name__ == "__main__":
    main()
