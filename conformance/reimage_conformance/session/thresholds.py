"""Thresholds: every number that the session decides by, with its reason; the name of a time ends in its unit."""

from __future__ import annotations

MAX_CASES_UNDER_WAY = 32
"""How many cases run at the same time; their requests share the connections."""
FEW_CASES_LEFT = 2
"""The cases that need the outcome of operations begin when at most this many cases of the first phase still run."""
MAX_GROUP_SIZE = 24
"""How many bad requests share one look before and one after, at most. If one has an effect, each of the group is
sent again."""
LONGEST_SHARED_LOOK_SECONDS = 10.0
"""The last look of a group is also the first of the next for this long: later, the instance may have changed by itself."""
GROUP_BUDGET_DIVISOR = 2
"""A group holds the reimages that are left, divided by this: each request may start one now, and one when sent again."""
ROUNDS_TO_JOIN = 4
"""A group begins when no further request has joined it in this many rounds of trio's scheduler."""
MAX_IDS_ASKED_FOR = 3
"""How many request ids of refusals are polled, for each reason and URI form, where looks show effects as well."""
MAX_VIOLATIONS_PER_REQUIREMENT = 6
"""Stop sending requests that break a requirement after this many were accepted: each one costs a reimage."""
UNANSWERED_WEIGHT = 3
"""A request without reply counts as this many accepted ones: it is sent twice, and each time costs the whole time limit."""
MAX_UNANSWERED_REPEATS = 2
"""A bad request without reply is sent again, until this many of its kind got no reply the second time either."""
MAX_UNWANTED_OPERATIONS = 40
"""How many operations of bad requests are followed; after that it is known that the endpoint accepts them."""
MAX_CONFLICT_TRIES = 60
"""How often a bad request that is answered 409 is sent again, each time when no operation of ours runs."""
FEW_CONFLICT_TRIES = 2
"""The same number for a reimage of a case, and where the request before it was answered 409 every time."""
MAX_ASKED_AGAIN_AFTER_LOCKS = 8
"""How many bad requests that stayed a conflict are sent once more in a run: that shows whether something else held the deployment."""
MAX_STEP_CONFLICTS = 40
"""How often a reimage of the campaign that is answered 409 is sent again."""
LAST_CONFLICT_TRIES = 2
"""For this many last tries no bad request is sent: one may have started the operation that causes the conflict."""
REST_SHARE = 2.0
"""An instance counts as a bystander again this long after it became steady (`session/instances.py`), in durations of its operation."""
CASE_REIMAGES = 8
"""The most reimages that cases start themselves in a whole run, besides those of the campaign, at an endpoint that conforms."""
RESERVED_REIMAGES = 1
"""How many reimages the campaign leaves for bad requests until all of those were sent."""
FEWEST_FOR_CAMPAIGN = 3
"""The campaign starts this many reimages before any is kept for the cases after it."""
FAR_SECONDS = 0.03
"""An endpoint counts as far away where one request alone takes longer than this."""
FAR_RESERVED_SHARE = 2 / 3
"""The share of max_reimages left for bad requests where the endpoint is far away: more of them run at the same time."""
MAX_FAR_RESERVED = 8
"""The upper limit of that share, in reimages."""
MAX_STEPS_FIRST = 6
"""How many pending steps of the campaign keep their reimages before one is spent to renew a forgotten operation."""
MAX_RENEWED_OPERATIONS = 4
"""How many reimages are repeated, at most, because the endpoint has forgotten the operation of the first one."""

PROGRESS_SECONDS = 1.0
"""The progress of the run is shown this often while pytest waits for a case."""

MAX_BUSY_TRIES = 6
"""How often a throttled request is sent, the first time included."""
MAX_REDIRECTS = 4
"""How many redirects of one request are followed; the last time it is sent while no other is under way."""
MAX_BUSY_IN_A_ROW = 4
"""After this many throttled requests in a row, each further one is sent only after any request was served, MAX_BUSY_TRIES_LATER times at most."""
MAX_BUSY_TRIES_LATER = 2
"""How often a throttled request is sent then, the first time included."""
MAX_SAME_FAILURES = 3
"""After this many equal failures of one kind of request, no more of the kind are sent."""
MAX_SAME_FAILURES_OF_A_FAMILY = 12
"""The same number for a family of kinds of which none was ever answered; each bad request counts twice, since it is
repeated."""
PAUSES_BEFORE_CONNECTING_SECONDS = (0.05, 0.2, 0.5)
"""A refused connection is tried again after these pauses: the endpoint may not have closed an earlier one yet."""
LONGEST_PAUSE_SECONDS = 30.0
"""The longest Retry-After that is obeyed."""
LONGEST_PATIENCE_SECONDS = 60.0
"""The patience: how long nothing may be answered before the run ends, unless the operator gives --patience."""
PATIENCE_IN_TIME_LIMITS = 6
"""The patience is this many times request_timeout_seconds where that is shorter."""
HASTE_SHARE = 0.7
"""After replies were waited for in vain for this share of the patience, a kind of request is dropped after one failure."""
END_SHARE = 1.5
"""After this share of the patience the run ends: the endpoint leaves many kinds of requests unanswered."""
SIGN_OF_LIFE_SECONDS = 1.0
"""The pause between two questions to an endpoint that has stopped answering."""

MAX_TRYING_SHARE = 0.25
"""Violations that may depend on timing are tried again for at most this share of the time that the run has taken."""
LEAST_TRYING_SECONDS = 4.0
"""They may take this long in a run that was shorter."""
MAX_FINDINGS_TRIED_AGAIN = 6
"""At most this many findings are tried again; each may cost reimages."""
MAX_STEPS_OF_A_TRY = 6
"""At most this many steps of the campaign are started for a try; each takes a role instance down."""
MAX_VERDICTS_COMPARED = 12
"""At most this many verdicts of a finding are compared, to find the one that takes the fewest reimages to see again."""

SLOW_SECONDS = 0.5
"""Requests at the same time count as slow if the slowest takes longer than this, and SLOWER_BY holds as well."""
SLOWER_BY = 3
"""They count as slow if the slowest takes this many times as long as one alone: the endpoint serves one request at a time."""

UNKNOWN_SECONDS = 10.0
"""An operation that every poll is answered with an error for is given up after this."""
UNKNOWN_AGAIN_SECONDS = 2.5
"""The same time where another operation was given up before."""
MAX_UNANSWERED_POLLS = 2
"""An operation is given up after this many polls in a row without reply."""
OPERATIONS_POLLED_AFRESH = 2
"""This many operations are polled on a new connection as well while they run: all other polls may use the same connection."""
MAX_DENIED_POLLS = 10
"""An operation of a bad request is given up after this many polls in a row were answered 401 or 403."""
MAX_OVERDUE_OPERATIONS = 2
"""After this many operations that reached no end, no more reimages are started."""

SHORTEST_PROBE_SECONDS = 0.5
"""The probe may show the old installation for at least this long after the end of a reimage."""


def seconds_until_poll(waited: float, interval: float) -> float:
    """The seconds until the next poll of an operation that was accepted `waited` seconds ago.

    `interval` is poll_interval_seconds, the upper limit. The pause grows with the age of the operation: polls show each
    state of a short operation, and a long operation is not polled too often.
    """
    return min(max(waited * 0.15, interval / 5), interval)


def seconds_until_lock_is_tried(waited: float, interval: float) -> float:
    """The seconds until a deployment that has been locked for `waited` seconds is tried again; `interval` is poll_interval_seconds, the lower limit."""
    return max(waited * 0.15, interval)


def seconds_until_look(waited: float, interval: float) -> float:
    """The seconds until the next look at an instance whose reimage was accepted `waited` seconds ago.

    Looks are more frequent than polls, since an instance may leave ReadyRole for a short time only.
    """
    return min(max(waited * 0.1, interval / 10), interval)
