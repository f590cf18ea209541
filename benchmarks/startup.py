"""How long `reimage-conformance run` takes until its first request: `python benchmarks/startup.py [RUNS]`.

Installs the wheel without bytecode into a folder of its own, and has runs begin at an endpoint that only accepts connections. The first run
is cold: Python compiles every module of the suite. The others are warm. Seconds are from the command to the first connection; processor
seconds are those of the command until then, and depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
LONGEST_SECONDS = 60.0
TARGET = """\
[target]
name = "start-up"
base_url = "http://127.0.0.1:{port}"
subscription_id = "6a8b7c2e-0000-4000-8000-000000000001"

[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0"]
"""


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=5, help="how many warm runs")
    runs = parser.parse_args().runs
    with TemporaryDirectory() as folder:
        place = Path(folder)
        install(place)
        cold = first_request(place)
        warm = [first_request(place) for _ in range(runs)]
    print("| start | s to the first request | processor, s |\n| --- | --- | --- |")
    print(f"| cold | {cold[0]:.2f} | {cold[1]:.2f} |")
    seconds, used = zip(*warm, strict=True)
    print(f"| warm, the median of {runs} | {statistics.median(seconds):.2f} | {statistics.median(used):.2f} |")
    print(f"| warm, the quickest | {min(seconds):.2f} | {min(used):.2f} |")


def install(place: Path) -> None:
    """Builds the wheel and installs it into `place`/site, without bytecode."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    words = ["install", "-q", "--no-deps", "--no-index", "--no-compile", "--target", str(place / "site")]
    (wheel,) = (place / "dist").iterdir()
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", *words, str(wheel)], check=True)


def first_request(place: Path) -> tuple[float, float]:
    """Starts a run and ends it at its first connection; gives the seconds until then, and the processor seconds that it used."""
    command = [
        str(place / "site" / "bin" / "reimage-conformance"),
        "run",
        "rig.toml",
        "--report-dir",
        "reports",
        "--overwrite",
    ]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))}
    environment = {**kept, "PYTHONPATH": str(place / "site")}
    with socket.create_server(("127.0.0.1", 0)) as endpoint, (place / "console.txt").open("wb") as console:
        endpoint.settimeout(LONGEST_SECONDS)
        (place / "rig.toml").write_text(TARGET.format(port=endpoint.getsockname()[1]), encoding="utf-8")
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=console, stderr=console)
        try:
            endpoint.accept()[0].close()
            took = time.monotonic() - began
        finally:
            process.kill()
            _, _, usage = os.wait4(process.pid, 0)
    return took, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
