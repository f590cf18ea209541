"""How long a run waits for reimages: `python benchmarks/waiting.py [--real] [--reimages N] [SECONDS ...]`.

Runs the standard profile against an emulator whose operations take so many seconds, in memory with a turned clock, or with `--real`
against one in a process of its own, and prints each time beside the bound: 1.15 x (operation x reimages / deployments) plus what the
run takes with operations of no length.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
DEPLOYMENTS = 3
"""What the emulator's large world lists."""
NO_LENGTH = 0.01
SHARE = 1.15
LONGEST_SECONDS = 900


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--reimages", type=int, default=6)
    parser.add_argument("seconds", type=float, nargs="*", default=[1.0, 20.0])
    asked = parser.parse_args()
    measure = in_process if asked.real else in_memory
    without = measure(NO_LENGTH, asked.reimages)
    print("| operation, s | run, s | bound, s |\n| --- | --- | --- |")
    print(f"| none | {without:.1f} | |")
    for seconds in asked.seconds:
        bound = SHARE * seconds * asked.reimages / DEPLOYMENTS + without
        print(f"| {seconds:g} | {measure(seconds, asked.reimages):.1f} | {bound:.1f} |")


def in_memory(seconds: float, reimages: int) -> float:
    """Seconds of the turned clock."""
    with TemporaryDirectory() as folder:
        words = ["-m", "pytest", "cases", "--in-memory", "-q", "-p", "no:cacheprovider", "--report-dir", folder]
        words += ["--operation-seconds", str(seconds), "--max-reimages", str(reimages)]
        run(words)
        lines = (Path(folder) / "journal.jsonl").read_text(encoding="ascii").splitlines()
        return max(json.loads(line)["at"] for line in lines)


def in_process(seconds: float, reimages: int) -> float:
    """Seconds of a real clock, from the command to its end."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "target.toml"
        words = ["emulator", "--operation-seconds", str(seconds), "--write-target", str(target)]
        line = [sys.executable, "-m", "reimage_conformance", *words, "--max-seconds", str(LONGEST_SECONDS)]
        with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as emulator:
            while not target.exists():
                time.sleep(0.1)
            began = time.monotonic()
            run(
                [
                    "-m",
                    "reimage_conformance",
                    "run",
                    str(target),
                    "--max-reimages",
                    str(reimages),
                    "--report-dir",
                    f"{folder}/r",
                ]
            )
            took = time.monotonic() - began
            emulator.terminate()
        return took


def run(words: list[str]) -> None:
    """A run of the suite; says what went wrong where it found something."""
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the run ended with exit code {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
