"""The progress line: its figures, its words, and when it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from reimage_conformance.pytest_plugin.progress import LOG_EVERY_SECONDS, ProgressLine, duration, progress_text
from reimage_conformance.session.progress import Progress, Running, reimaging_seconds

NOTHING = Progress(0, 340, (), 0, 6, None)


def running(*ages: float) -> tuple[Running, ...]:
    return tuple(Running(f"WebRole1_IN_{number}", age) for number, age in enumerate(ages))


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (NOTHING, "0 of 340 cases; time left not known yet; 0 of 6 reimages; none under way"),
        (
            Progress(212, 340, running(41.2, 12.0), 4, 6, 185.0),
            "212 of 340 cases; about 3 min left; 4 of 6 reimages; under way: WebRole1_IN_0 41 s, WebRole1_IN_1 12 s",
        ),
        (
            Progress(339, 340, running(1, 2, 3, 4, 5), 5, 40, 0.2),
            "339 of 340 cases; about 0 s left; 5 of 40 reimages; under way: WebRole1_IN_0 1 s, WebRole1_IN_1 2 s, WebRole1_IN_2 3 s, 2 more",
        ),
        (
            Progress(1, 2, (Running("R\u00f6lle\x1b[2J_IN_0", 7000.0),), 1, 1, 7800.0),
            "1 of 2 cases; about 2 h 10 min left; 1 of 1 reimages; under way: R\\xf6lle\\x1b[2J_IN_0 1 h 57 min",
        ),
    ],
)
def test_the_text_tells_each_figure_in_ascii(progress: Progress, text: str) -> None:
    assert progress_text(progress) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99.4, "99 s"), (100.0, "2 min"), (5940.0, "99 min"), (6000.0, "1 h 40 min")],
)
def test_a_duration_has_the_unit_that_a_person_would_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("usual", "ages", "waiting", "seconds"),
    [
        (None, [], {}, 0.0),
        (None, [("a", 3.0)], {}, None),
        (None, [], {"a": 1}, None),
        (20.0, [("a", 3.0), ("b", 15.0)], {}, 17.0),
        (20.0, [("a", 3.0), ("b", 15.0)], {"b": 2}, 45.0),
        (20.0, [("a", 30.0)], {"a": 1}, 20.0),
        (20.0, [], {"a": 1, "b": 3}, 60.0),
    ],
)
def test_the_rest_is_that_of_the_deployment_with_most_to_do(
    usual: float | None, ages: list[tuple[str, float]], waiting: dict[str, int], seconds: float | None
) -> None:
    assert reimaging_seconds(usual, ages, waiting) == seconds


@dataclass
class Screen:
    """Remembers what is written to a terminal on which pytest is in the middle of a line."""

    column: int = 7
    columns: int = 20
    lines: list[str] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        self.lines.append(text)

    def draw(self, text: str) -> None:
        self.drawn.append(text)


def asked_too_early() -> Progress:
    raise AssertionError("the figures are not wanted yet")


def test_a_log_has_a_line_a_minute_and_none_before_the_first_minute_is_over() -> None:
    screen, now = Screen(), [0.0]
    line = ProgressLine(screen, redraws=False, clock=lambda: now[0])
    for second in range(int(LOG_EVERY_SECONDS)):
        now[0] = float(second)
        line.show(asked_too_early)
    line.clear()
    assert screen.lines == []

    for second in range(60, 181):
        now[0] = float(second)
        line.show(lambda: NOTHING)
    line.clear()

    assert screen.lines == [progress_text(NOTHING)] * 3
    assert screen.drawn == []


@pytest.mark.parametrize(("column", "back"), [(0, ""), (7, "\x1b[7C"), (47, "\x1b[7C")])
def test_a_terminal_has_one_line_that_is_redrawn_and_taken_away(column: int, back: str) -> None:
    screen = Screen(column)
    line = ProgressLine(screen, redraws=True)
    line.clear()
    assert screen.drawn == [], "nothing was drawn"

    for _ in range(2):
        line.show(lambda: NOTHING)
    line.clear()
    line.clear()

    text = progress_text(NOTHING)[:19]
    assert screen.drawn == [f"\n{text}", f"\r\x1b[K{text}", f"\r\x1b[K\x1b[A{back}"]
    assert screen.lines == []
