"""Command line: `python -m trust_benchmarks_local.sample FOLDER` writes sample returns and says what it wrote."""

import argparse
import time

from . import FIRST_PERIOD, LINES, PERIODS, PROVIDERS, write


def main(arguments: list[str] | None = None) -> None:
    """Reads the arguments, writes the sample, prints a line a collection."""
    parser = argparse.ArgumentParser(
        prog="python -m trust_benchmarks_local.sample", description=(write.__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", help="where to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--providers", type=int, default=PROVIDERS, help="trusts that send returns")
    parser.add_argument("--first-period", default=FIRST_PERIOD, help="first month, YYYY-MM")
    parser.add_argument("--periods", type=int, default=PERIODS, help="consecutive months")
    parser.add_argument("--lines", type=int, default=LINES, help="procurement lines a trust and month")
    parser.add_argument("--no-faults", dest="faults", action="store_false", help="nothing wrong, late or missing")
    given = vars(parser.parse_args(arguments))
    started = time.monotonic()
    done = write(**given)
    print(
        f"Sample returns (invented figures) in {done.folder}: {done.providers} trusts, {done.periods[0]} to {done.periods[-1]}"
    )
    for collection in sorted(done.files):
        files, rows, size = done.files[collection], done.rows[collection], done.bytes[collection]
        print(f"  {collection:<20} {files:>5} files {rows:>10,} rows {size / 1e6:>8.1f} MB")
    print(f"  {sum(done.planted.values())} planted faults of {len(done.planted)} kinds, listed in planted.csv")
    if done.left_out:
        print(f"  too small a sample for: {', '.join(done.left_out)}")
    print(f"  {time.monotonic() - started:.1f} seconds")


if __name__ == "__main__":
    main()
