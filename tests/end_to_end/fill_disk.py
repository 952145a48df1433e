"""In a mount namespace: the whole job on a disk of 1 GB that is filled while files are checked (run by test_small_disk.py).

fill_disk.py FOLDER TABLES: FOLDER is where the disk is mounted; every row of every view goes to the file TABLES afterwards.
"""

import json
import pickle
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    from job import Job

    folder = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "none", folder], check=True)
    job = Job(folder / "state")
    job.environment |= {"TB_SAMPLE_PROVIDERS": "36", "TB_SAMPLE_PERIODS": "1"}
    process = job.start("--once")
    said = ""
    for line in process.stdout:
        said += line
        if " checked " in line and " checked 0 " not in line:
            break
    left = 20 << 20  # bytes
    free = (
        int(subprocess.run(["stat", "-f", "-c", "%a", folder], capture_output=True, text=True, check=True).stdout)
        * 4096
    )
    subprocess.run(["fallocate", "-l", str(free - left), folder / "filled"], check=True)
    filled = time.monotonic()
    seconds = None
    for line in process.stdout:
        said += line
        if "Not done: The disk of" in line and seconds is None:
            seconds = time.monotonic() - filled
    status, after, left_running = process.wait(), time.monotonic() - filled, job.processes()
    (folder / "filled").unlink()
    again = job.once()
    Path(sys.argv[2]).write_bytes(pickle.dumps(job.tables()))
    used = int(subprocess.run(["du", "-sm", folder], capture_output=True, text=True, check=True).stdout.split()[0])
    ended = {"seconds": seconds, "status": status, "after": after, "left": left_running, "said": said, "again": again}
    print("\nENDED " + json.dumps(ended | {"used": used, "sample": str(job.state / "sample")}))
    subprocess.run(["cp", "-r", job.state / "sample", Path(sys.argv[2]).with_name("sample")], check=True)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]
    main()
