"""What distance costs: the standard profile against an emulator behind a link that takes its time.

`python benchmarks/distance.py [--rtt 0,20,100,250] [--connections 1,4,8,16]` serves the emulator in a process of its own over TLS, puts a proxy
in front that delays each direction by half of the round trip, and prints a table: seconds, requests, processor seconds of the suite, memory, and
the seconds that distance added for each request and round trip. It also times a bare httpx client on kept-alive TLS.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from reimage_conformance.config import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator

PROXY = Path(__file__).with_name("delaying_proxy.py")
COMMAND = (sys.executable, "-m", "reimage_conformance")


@contextmanager
def emulator(folder: Path, seconds: float) -> Iterator[Path]:
    """A target file of an emulator in a process of its own; its operations take `seconds`."""
    file = folder / "rig.toml"
    words = [
        *COMMAND,
        "emulator",
        "--write-target",
        str(file),
        "--operation-seconds",
        str(seconds),
        "--max-seconds",
        "3000",
    ]
    served = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        while not file.exists():
            time.sleep(0.05)
        time.sleep(0.3)
        yield file
    finally:
        served.terminate()
        served.wait()


@contextmanager
def link(file: Path, rtt: float) -> Iterator[Path]:
    """The target file of the same emulator behind a link with a round trip of `rtt` seconds."""
    text = file.read_text(encoding="utf-8")
    port = re.search(r'base_url = "https://127\.0\.0\.1:(\d+)"', text)
    if port is None:
        raise SystemExit(f"{file} has no base_url on 127.0.0.1")
    proxy = subprocess.Popen(
        [sys.executable, str(PROXY), port[1], str(rtt)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        own = proxy.stdout.readline().strip() if proxy.stdout else ""
        far = file.with_name(f"far-{own}.toml")
        far.write_text(text.replace(f"127.0.0.1:{port[1]}", f"127.0.0.1:{own}"), encoding="utf-8")
        yield far
    finally:
        if proxy.stdin:
            proxy.stdin.close()
        proxy.wait()


def run(file: Path, connections: int) -> dict[str, float]:
    """Seconds, requests, reimages, processor seconds and megabytes of one standard run."""
    with tempfile.TemporaryDirectory() as reports:
        words = [*COMMAND, "run", str(file), "--connections", str(connections), "--report-dir", f"{reports}/run"]
        began = time.monotonic()
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        results = json.loads(Path(reports, "run", "results.json").read_text(encoding="utf-8"))
    return {
        "seconds": seconds,
        "requests": results["summary"]["requests"],
        "reimages": results["summary"]["reimages"],
        "processor": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / 1024,
        "exit": os.waitstatus_to_exitcode(status),
    }


def bare(file: Path, requests: int) -> float:
    """Seconds that a bare httpx client takes for so many polls on a kept-alive connection."""
    target = load_target(file)
    context = ssl.create_default_context(cafile=str(target.ca_bundle))
    context.load_cert_chain(str(target.client_certificate), str(target.client_key) if target.client_key else None)
    url = f"{target.base_url}/{target.subscription_id}/operations/{'0' * 32}"
    with httpx.Client(verify=context, headers={"x-ms-version": target.x_ms_version}) as client:
        client.get(url)
        began = time.monotonic()
        for _ in range(requests):
            client.get(url)
        return time.monotonic() - began


def numbers(text: str) -> list[int]:
    """Numbers with commas between them."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Prints the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rtt", type=numbers, default=[0, 20, 100, 250], help="round trips in milliseconds")
    options.add_argument("--connections", type=numbers, default=[1, 4, 8, 16])
    options.add_argument("--operation-seconds", type=float, default=0.2)
    chosen = options.parse_args()
    print(
        "| RTT ms | connections | seconds | requests | reimages | processor s | MB | added s / (requests x RTT) | exit |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    near: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder), chosen.operation_seconds) as file:
        for rtt in chosen.rtt:
            with link(file, rtt / 1000) as far:
                for width in chosen.connections:
                    found = run(far, width)
                    near.setdefault(width, found["seconds"])
                    added = (found["seconds"] - near[width]) / (found["requests"] * rtt / 1000) if rtt else 0.0
                    print(
                        f"| {rtt} | {width} | {found['seconds']:.1f} | {found['requests']} | {found['reimages']} | "
                        f"{found['processor']:.1f} | {found['megabytes']:.0f} | {added:.3f} | {found['exit']:.0f} |",
                        flush=True,
                    )
        plain = bare(file, 2000)
        print(f"\na bare httpx client on kept-alive TLS: {plain / 2:.2f} s for 1,000 requests")


if __name__ == "__main__":
    main()
