"""`make bench-room`: contacts of many trusts check and send files in the trusts' room within a bounded time, on fresh services.

Each contact opens a link, signs in, looks at their returns, uploads a file of order lines, reads the verdict, sends it and sees the receipt.
They come at random moments (the same in each run) of the time that is given. The room runs as in production, in a process of its own.
"""

import argparse
import contextlib
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil

AT_ONCE = 100  # contacts whose browsers wait for an answer at the same time, at most
PERIOD = "2025-06"


def main() -> None:
    """Runs the load and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--trusts", type=int, default=220)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-bench-room-") as folder:
        print(run(Path(folder), asked.contacts, asked.trusts, asked.lines, asked.minutes), flush=True)


def run(folder: Path, contacts: int, trusts: int, lines: int, minutes: float) -> str:
    """The load, and what came of it in some lines."""
    from trust_benchmarks.ingest import reference_load
    from trust_benchmarks.stores import warehouse
    from trust_benchmarks_local import services
    from trust_benchmarks_local.sample import bench_lines

    paths = bench_lines.write(trusts * lines, trusts, folder=folder / "sample", period=PERIOD, share=0.001)
    files = {re.search(r"_([A-Z0-9]{3,5})_", path.name)[1]: path for path in paths}
    with services.running(folder / "state") as settings:
        warehouse.migrate()
        reference_load.refresh()
        links = []
        with warehouse.connect() as connection:
            for number in range(contacts):
                code = list(files)[number % len(files)]
                mail = f"c{number}@{code.lower()}.example"
                connection.execute("SELECT core.add_contact(%s, %s, %s, 'bench')", [mail, f"Contact {number}", [code]])
                links.append((mail, code))
        with Room(folder, settings) as room:
            done = _visits(room.url, links, files, minutes * 60)
            memory = room.most >> 20
    return _words(done, contacts, len(files), lines, minutes, memory)


class Room:
    """The room as a process of its own, with the most memory that it and its children were seen to have."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.log, self.settings, self.most = folder / "room.log", settings, 0
        self.stopped = threading.Event()

    def __enter__(self) -> "Room":
        port = 8100 + os.getpid() % 900
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "trust_benchmarks.cli.main", "serve-room", "--port", str(port)]
        names = ("TB_ROOM_PASSWORD", "TB_WAREHOUSE_URL", "TB_CACHE")
        environment = os.environ | {name: self.settings[name] for name in names}
        self.process = subprocess.Popen(command, env=environment, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        for _ in range(600):
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            raise TimeoutError(self.log.read_text()[-2000:])
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.process.terminate()
        self.process.wait(30)

    def _watch(self) -> None:
        one = psutil.Process(self.process.pid)
        while not self.stopped.wait(0.25):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.most = max(self.most, sum(p.memory_info().rss for p in (one, *one.children(recursive=True))))


def _visits(url: str, links: list[tuple[str, str]], files: dict[str, Path], seconds: float) -> list[dict]:
    """Every contact's visit, at its moment."""
    chance = random.Random(1)
    moments = sorted(chance.uniform(0, seconds) for _ in links)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = []
        for moment, (mail, code) in zip(moments, links, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            waiting.append(pool.submit(_visit, url, mail, files[code]))
        return [one.result() for one in waiting]


def _visit(url: str, mail: str, file: Path) -> dict:
    """What a visit took, in seconds by step, or what went wrong."""
    from trust_benchmarks.stores import warehouse

    took: dict = {}
    try:
        with warehouse.connect() as connection:
            (link,) = connection.execute("SELECT core.link_of_contact(%s, 'bench')", [mail]).fetchone()
        with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:

            def page(step: str, answer: httpx.Response, expected: int = 200) -> httpx.Response:
                if answer.status_code != expected:
                    raise ValueError(f"{step}: {answer.status_code}")
                return answer

            def token(answer: httpx.Response) -> str:
                return re.search(r'name="token" value="([0-9a-f]{64})"', answer.text)[1]

            began = time.monotonic()
            first = page("link", client.get(f"/link/{link}"))
            page("sign in", client.post("/link", data={"token": token(first), "link": link}), 303)
            page("returns", client.get("/"))
            form = page("send", client.get("/send"))
            took["pages"] = time.monotonic() - began
            began = time.monotonic()
            upload = {"file": (file.name, file.read_bytes(), "text/csv")}
            sent = page("upload", client.post("/send", data={"token": token(form)}, files=upload), 303)
            place = sent.headers["location"]
            verdict = page("verdict", client.get(place))
            took["verdict"] = time.monotonic() - began
            began = time.monotonic()
            receipt = page("sending", client.post(place, data={"token": token(verdict)}), 303)
            if "We have your file" not in page("receipt", client.get(receipt.headers["location"])).text:
                raise ValueError("receipt: it is not there")
            took["receipt"] = time.monotonic() - began
    except Exception as problem:  # a visit that fails is what is counted here
        took["error"] = f"{type(problem).__name__}: {problem}"[:100]
    return took


def _words(done: list[dict], contacts: int, trusts: int, lines: int, minutes: float, memory: int) -> str:
    errors = Counter(one["error"] for one in done if "error" in one)
    said = [
        f"{contacts:,} contacts of {trusts} trusts, {lines:,} lines each, within {minutes:g} minutes: "
        f"{sum(errors.values())} errors; the room and its child had at most {memory:,} MB"
    ]
    for step in ("pages", "verdict", "receipt"):
        found = sorted(one[step] for one in done if step in one)
        if len(found) > 1:
            p95 = statistics.quantiles(found, n=20)[-1]
            said.append(
                f"{step:8} median {statistics.median(found):6.2f} s  p95 {p95:6.2f} s  longest {found[-1]:6.2f} s"
            )
    return "\n".join(said + [f"{count} times {words}" for words, count in errors.most_common(5)])


if __name__ == "__main__":
    main()
