"""`python bench/api.py ADDRESS KEY`: how long the HTTP API of a running service takes, request to answer, a line a question."""

import statistics
import sys
import time

import httpx

TIMES = 40


def main() -> None:
    """Asks each question `TIMES` times, after once that is not counted, and prints rows, median and 95th percentile in milliseconds."""
    address, key = sys.argv[1:]
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        newest = client.get(f"{address}/latest", params={"metric": "WF04", "limit": 1}).json()["data"][0]
        trust = newest["provider_code"]
        questions = {
            "figures, one metric and period": ("figures", {"metric": "WF04", "period": newest["period"]}),
            "latest, one trust": ("latest", {"trust": trust}),
            "figures, one trust": ("figures", {"trust": trust}),
            "figures, first 1,000": ("figures", {}),
            "latest, first 1,000": ("latest", {}),
        }
        for name, (table, asked) in questions.items():
            seconds, rows = [], 0
            for _ in range(TIMES + 1):
                began = time.perf_counter()
                rows = len(client.get(f"{address}/{table}", params=asked).raise_for_status().json()["data"])
                seconds.append(time.perf_counter() - began)
            counted = [1000 * one for one in seconds[1:]]
            p95 = statistics.quantiles(counted, n=20)[-1]
            print(f"{name:32} {rows:6,} rows  median {statistics.median(counted):6.1f} ms  p95 {p95:6.1f} ms")


if __name__ == "__main__":
    main()
