"""Dates as recorders write them after they parsed or masked them; other forms than these are an endpoint's own."""

from __future__ import annotations

import re
from datetime import datetime

from reimage_conformance.judging.transport.messages import is_date

_SECONDS = re.compile(r"\d{9,13}(?:\.\d+)?", re.ASCII)
_OFFSET = re.compile(r"(.*) (?:[+-]0000|UTC)", re.ASCII)
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:\W?[AP]M)?"
_PRINTED = re.compile(
    rf"""
    \w{{3}}\ \w{{3}}\ \d{{2}}\ \d{{4}}\ \d{{2}}:\d{{2}}:\d{{2}}\ GMT[+-]\d{{4}}.*    # JavaScript
    | \w{{3}}\ \w{{3}}\ \d{{2}}\ \d{{2}}:\d{{2}}:\d{{2}}\ (?:UTC|GMT)\ \d{{4}}       # Java
    | \\?/Date\(\d+(?:[+-]\d{{4}})?\)\\?/                                    # JSON of .NET
    | datetime\.datetime\(.*\)                                              # Python
    | \[?\d{{2}}/\w{{3}}/\d{{4}}:\d{{2}}:\d{{2}}:\d{{2}}\ [+-]\d{{4}}\]?               # the log of a server
    | \d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}},?\ {_CLOCK}(?:\ .*)?              # a locale, Go, Ruby
    | (?:[A-Z][a-z]+,\ )?[A-Z][a-z]+\ \d{{1,2}},\ \d{{4}},?\ (?:at\ )?{_CLOCK}(?:\ .*)?  # a locale with names of months
    """,
    re.ASCII | re.VERBOSE,
)
"""Moments as programs print them after they parsed a date."""
_WITHOUT_DIGITS = re.compile(
    r"""[A-Z]\w\w,\ (?P<sign>[\w#*?.-])(?P=sign)\ [A-Z]\w\w\ (?P=sign){4}\ (?P=sign){2}:(?P=sign){2}:(?P=sign){2}\ \w{3}""",
    re.ASCII | re.VERBOSE,
)
"""A date with one sign in place of every digit."""
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def is_rewritten(value: str) -> bool:
    """Whether a recorder may have written a value: a moment as programs print it, a mask of one, or a date on a wrong day of the week.

    The obsolete forms of HTTP and the other forms are an endpoint's own (RFC 9110, section 5.6.7).
    """
    if is_date(value):
        return False
    offset = _OFFSET.fullmatch(value)
    if (offset and is_date(f"{offset[1]} GMT")) or is_date(_without_quotes(value)):
        return True
    if any(form.fullmatch(value) for form in (_SECONDS, _PRINTED, _WITHOUT_DIGITS)) or _is_iso(value):
        return True
    return value[:3] in _WEEKDAYS and any(is_date(day + value[3:]) for day in _WEEKDAYS)


def is_date_in_other_letters(value: str) -> bool:
    """Whether a value is a date as HTTP writes it, except for its letter case."""
    return is_date(value.title().replace("Gmt", "GMT"))


def _without_quotes(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') and value[:1] == value[-1:] else value


def _is_iso(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
