"""How large report.html becomes, how long it takes to make and, with chromium, to open: 600 cases, 20,000 exchanges.

Run from the checkout: `python benchmarks/report_size.py [CASES [EXCHANGES]]`.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from reimage_conformance.report.html.page import Page
from reimage_conformance.report.write import write_reports
from report_browser import MISSING, Browser
from report_pages import make_page
from report_samples import large_assessment, large_exchanges

LOADED = "const [entry] = performance.getEntriesByType('navigation'); return entry.loadEventEnd"
PAINTED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
SORTED = """
const began = performance.now();
document.querySelector('#results-table th[data-column-type="seconds"]').click();
document.body.getBoundingClientRect();
return performance.now() - began;
"""


def main(cases: int = 600, exchanges: int = 20_000, repeats: int = 5) -> None:
    """Print what the reports of such a run cost."""
    assessment, wire = large_assessment(cases, exchanges), large_exchanges(exchanges)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        write_reports(assessment, wire, folder)
        print(f"results.json, junit.xml, summary.md  {time.perf_counter() - began:8.2f} s")
        began = time.perf_counter()
        Page.of(assessment, wire).before_cases()
        print(f"sections of report.html              {time.perf_counter() - began:8.2f} s")
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            page = make_page(folder, assessment, wire)
        print(f"a pytest session with report.html    {time.perf_counter() - began:8.2f} s")
        for file in ("report.html", "results.json", "junit.xml", "summary.md"):
            print(f"{file:36} {(folder / file).stat().st_size / 1e6:8.2f} MB")
        print(MISSING or "\n".join(opened(page, repeats)))


def opened(page: Path, repeats: int) -> list[str]:
    """The medians of what a browser says of opening `page`."""
    figures: dict[str, list[float]] = {"first paint": [], "loaded": [], "sorted by time": []}
    with Browser() as browser:
        for _ in range(repeats):
            browser.open(page)
            figures["loaded"].append(browser.run(LOADED))
            figures["first paint"].append(browser.run(PAINTED))
            figures["sorted by time"].append(browser.run(SORTED))
    return [f"{name:36} {statistics.median(values) / 1000:8.2f} s" for name, values in figures.items()]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
