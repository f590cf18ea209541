"""How many, how often, how long: every number that the session decides by, with its unit in its name and its reason."""

from __future__ import annotations

MAX_CASES_UNDER_WAY = 32
"""How many cases are started ahead; their requests share the connections. Groups of refusals come from cases that wait together."""
FEW_CASES_LEFT = 2
"""The cases that need the outcome of operations begin when this many of those before them are left."""
MAX_GROUP_SIZE = 24
"""How many bad requests at most share one look before and one after; the larger, the more is sent again where one had an effect."""
LONGEST_SHARED_LOOK_SECONDS = 10.0
"""The last look of a group is the first one of the next for this long: an instance may change without anybody's request."""
SHARE_OF_A_GROUP = 2
"""A group takes one in this many of the reimages that are left: each of its requests may start one, and another when the group is taken apart."""
ROUNDS_TO_JOIN = 4
"""A group begins when no further request joined it in this many rounds of the scheduler."""
MAX_IDS_ASKED_FOR = 3
"""How many ids of refusals for the same reason, in each form of URI, are asked for where looks show what a refused request started."""
MAX_VIOLATIONS_PER_REQUIREMENT = 6
"""Stop sending requests that break a requirement after this many were accepted: each one costs a reimage."""
UNANSWERED_WEIGHT = 3
"""A request that is never answered counts as this many that were accepted: it costs the whole time limit twice."""
ENOUGH_IN_VAIN = 2
"""Bad requests of a kind are sent again for want of a reply until this many of it got none then either: one may have been lost on its way."""
MAX_UNWANTED_OPERATIONS = 40
"""Operations that bad requests started are followed up to this many; an endpoint that accepts everything has been shown to."""
MAX_CONFLICT_TRIES = 60
"""A bad request that meets 409 is sent again when nothing of ours runs, this often."""
FEW_CONFLICT_TRIES = 2
"""The same where the request before it never got past the conflict."""
MAX_STEP_CONFLICTS = 40
"""A reimage of the campaign that meets 409 is sent again this often."""
LAST_CONFLICT_TRIES = 2
"""The last tries, this many, are made while no bad request is sent, which might have started what it is in conflict with."""
RESERVED_REIMAGES = 1
"""How many reimages the campaign leaves to the bad requests, until these are through."""
FAR_SECONDS = 0.03
"""An endpoint is far away where one request alone takes longer than this: most of a run is spent waiting for answers."""
RESERVED_SHARE_FROM_AFAR = 2 / 3
"""The share of all reimages that the campaign leaves to the bad requests where the endpoint is far away, so that more of them are under way at the same time."""
MAX_RESERVED_FROM_AFAR = 8
"""How many that are at most."""
MAX_STEPS_FIRST = 6
"""How many of the campaign's next reimages come before one that is started to have an operation that the endpoint still knows."""
MAX_RENEWED_OPERATIONS = 4
"""How many reimages are started at most to have an operation that the endpoint still knows."""

WAITING_SECONDS = 1.0
"""How often whoever waits for a case hears that it still does."""

MAX_BUSY_TRIES = 6
"""A throttled request is sent this often."""
MAX_REDIRECTS = 2
"""This many redirects of a request are followed: beside others a second one may be chance."""
MAX_BUSY_IN_A_ROW = 4
"""After this many requests in a row that stayed throttled, each further one is sent once, and none while nothing at all is served."""
MAX_SAME_FAILURES = 3
"""A kind of request that failed this often in the same way is not sent any more."""
MAX_SAME_FAILURES_OF_A_FAMILY = 12
"""A family of kinds of which none was ever answered is not sent any more after this many failed: bad requests are sent twice each."""
PAUSES_BEFORE_CONNECTING_SECONDS = (0.05, 0.2, 0.5)
"""A connection that the endpoint does not take is asked for again after these pauses: one before it may not have left yet."""
LONGEST_PAUSE_SECONDS = 30.0
"""A Retry-After is honoured up to this."""
LONGEST_PATIENCE_SECONDS = 60.0
"""How long the whole run waits in vain, unless the operator says otherwise."""
PATIENCE_IN_TIME_LIMITS = 6
"""The patience of a run in time limits of a request, where that is shorter."""
SHARE_LOST_UNTIL_HASTE = 0.7
"""Once this share of the patience was waited in vain, in all, a kind of request that failed once is not sent any more."""
SHARE_LOST_UNTIL_END = 1.5
"""Once this share of it was, the run ends: the endpoint leaves requests of many kinds unanswered."""
SIGN_OF_LIFE_SECONDS = 1.0
"""Between two questions whether a silent endpoint is back."""

SLOW_SECONDS = 0.5
"""An answer that takes longer than this beside others, and"""
SLOWER_BY = 3
"""this many times as long as one alone, shows an endpoint that serves one request after the other."""

UNKNOWN_SECONDS = 10.0
"""An operation that no poll ever finds is given up after this."""
UNKNOWN_AGAIN_SECONDS = 2.5
"""The same where another was given up before."""
MAX_UNANSWERED_POLLS = 2
"""An operation whose polls got no reply this often in a row is given up."""
MAX_DENIED_POLLS = 10
"""An operation that a bad request started is given up when this many polls of it in a row were answered 401 or 403: its caller may not see it."""
MAX_OVERDUE_OPERATIONS = 2
"""After this many operations without an end no more are started."""

SHORTEST_PROBE_SECONDS = 0.5
"""A reimage is given at least this long after its end to show in the probe."""


def seconds_until_poll(waited: float, interval: float) -> float:
    """Until the next poll of an operation that was accepted `waited` seconds ago; `interval` is the operator's, in seconds.

    A share of the time for which it has run: a short operation is seen in each of its states, a long one is polled no more often than it has to be.
    """
    return min(max(waited * 0.15, interval / 5), interval)


def seconds_until_look(waited: float, interval: float) -> float:
    """Until the next look at an instance whose reimage was accepted `waited` seconds ago: its states may be short."""
    return min(max(waited * 0.1, interval / 10), interval)
