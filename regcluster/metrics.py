"""What a node counts, and the only place that says how it is named.

A label value is one of few that are known beforehand: words a peer chose never become labels, an
unknown method counts as ``other``. Children are bound once, at their first use, so that a count on
the hot path is a dictionary lookup for each label and one addition; what one turn of the event loop
has counted is written down at its end, and how long it took a moment later (``tally``).

Under a supervisor ``PROMETHEUS_MULTIPROC_DIR`` is set before this is imported, and the counters of
all workers add up over HTTP. ``REGCLUSTER_WORKER`` then names the files to count into after the
worker's place, not its process: the next process there counts on where the one before stopped.

Of labels with few values each has its series from the start: one that appears with its first event
hides that event from a rate.
"""

import os
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, values

from regcluster.tally import Counts, Durations, Tally, Total

TALLY: Final = Tally()
"""A worker sets its ``defer``."""

if place := os.environ.get("REGCLUSTER_WORKER"):
    # By default each process has files of its own, and every restart would leave some behind, to be
    # kept and read at each scrape for as long as the node runs.
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]

OTHER = "other"

METHODS: Final = frozenset(
    {
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS"),
        *("PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
    }
)
"""Methods that may be a label: those of ``sip.message``, which lies above and cannot be asked."""

DROPPED = (
    *("malformed", "ack", "stray_response", "send_failed", "relay", "overflow", "socket"),
    *("no_effect", "second_effect"),
)
"""Why a message got no answer."""

CLOSINGS = ("limit", "slow", "idle", "partial", "linger", "malformed", "proxy", "files")
"""Why a connection was ended: those of ``edge.stream``, which lies above."""

OUTCOMES = ("added", "refreshed", "removed", "unchanged", "query", "rejected", "failed")
"""What a REGISTER did; the last: the store did not say."""

REFUSED = {
    400: "malformed",
    403: "gruu",
    420: "extension",
    421: "outbound",
    423: "too_brief",
    439: "first_hop",
    500: "aor_too_long",
}
"""Why a REGISTER was rejected before it got to the store, by the status of the refusal."""

REJECTED = (*REFUSED.values(), "out_of_order", "too_many")
"""The last two are the store's verdicts."""

_STATUSES: Final = [str(status) for status in range(700)]
"""Every status as a label: looked up rather than written anew."""

STORE_CALLS = ("save", "fetch", "drop")
STORE_FAULTS = ("timeout", "lost", "refused", "unreplicated")
"""How a store call fails: no answer in time, the connection broke, the server said no, or too few
replicas had the change (``store.wait_replicas``)."""

# From a cache hit on loopback to past the longest deadline anybody sets.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

REQUESTS = Counter("regcluster_sip_requests", "SIP requests received.", ("method", "transport"))
RESPONSES = Counter(
    "regcluster_sip_responses", "SIP responses sent.", ("method", "transport", "status")
)
FORWARDED = Counter("regcluster_sip_forwarded", "SIP messages sent on.", ("kind", "transport"))
CLOSED = Counter("regcluster_connections_closed", "Stream connections ended by us.", ("reason",))
DROPS = Counter("regcluster_sip_drops", "SIP messages that got no answer.", ("reason",))
KEEPALIVES = Counter("regcluster_sip_keepalives", "Keep-alives received.", ("transport",))
SHED = Counter("regcluster_sip_shed", "Requests refused because too many were in flight.")
FAILURES = Counter("regcluster_sip_failures", "Requests that ended in an unexpected error.")
IN_FLIGHT = Gauge(
    "regcluster_sip_in_flight", "Requests being worked on.", multiprocess_mode="livesum"
)
CONNECTIONS = Gauge(
    "regcluster_connections", "Stream connections open.", multiprocess_mode="livesum"
)
CONNECTIONS_OPENED = Counter(
    "regcluster_connections_opened", "Stream connections accepted or made."
)
CONNECTIONS_LIMIT = Gauge(
    "regcluster_connections_limit",
    "Stream connections there may be: limits.connections of all workers.",
    multiprocess_mode="livesum",
)
IN_FLIGHT_LIMIT = Gauge(
    "regcluster_sip_in_flight_limit",
    "Requests that may be worked on at once: limits.in_flight of all workers.",
    multiprocess_mode="livesum",
)
LOOP_SECONDS = Histogram(
    "regcluster_loop_lag_seconds",
    "How late a worker comes to what it meant to do: more, and it has too much to do.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)
REQUEST_SECONDS = Histogram(
    "regcluster_sip_request_duration_seconds",
    "From a request read to its answer sent.",
    ("method",),
    buckets=SECONDS,
)
REGISTRATIONS = Counter("regcluster_registrations", "REGISTERs by what they did.", ("outcome",))
REJECTIONS = Counter(
    "regcluster_registrations_rejected", "REGISTERs rejected, by why.", ("reason",)
)
BINDINGS = Gauge(
    "regcluster_bindings",
    "Bindings in the store, of all nodes, as of the last count.",
    ("table",),
    multiprocess_mode="livemax",
)
AORS = Gauge(
    "regcluster_aors",
    "Addresses-of-record with a binding, of all nodes, as of the last count.",
    ("table",),
    multiprocess_mode="livemax",
)
LOOKUPS = Counter("regcluster_lookups", "Lookups by what they found.", ("outcome",))
STORE_SECONDS = Histogram(
    "regcluster_store_call_duration_seconds",
    "From a store call made to its answer read.",
    ("operation",),
    buckets=SECONDS,
)
STORE_ERRORS = Counter("regcluster_store_errors", "Store calls that failed.", ("kind",))
STORE_RECONNECTS = Counter("regcluster_store_reconnects", "Connections to the store lost.")
STORE_COMMANDS = Counter("regcluster_store_commands", "Commands sent to the store.")
STORE_WRITES = Counter("regcluster_store_writes", "Writes that carried commands to the store.")
STORE_FAILOVERS = Counter(
    "regcluster_store_failovers", "Primaries of the store that took the place of another."
)
STORE_SCRIPT_LOADS = Counter(
    "regcluster_store_script_loads", "Scripts sent again as text because the store had lost them."
)
STORE_UP = Gauge(
    "regcluster_store_up",
    "Workers whose store answered the last time it was asked.",
    multiprocess_mode="livesum",
)
REMOVED = Counter(
    "regcluster_bindings_removed", "Bindings removed without being asked to.", ("reason",)
)
EXPIRY_SECONDS = Histogram(
    "regcluster_expiry_lag_seconds",
    "From the expiry of a binding to its removal.",
    buckets=(0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 15.0, 60.0, 300.0),
)
FEED_SECONDS = Histogram(
    "regcluster_feed_lag_seconds",
    "From an event written to the change feed to the script's being told of it.",
    buckets=(0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 15.0, 60.0, 300.0),
)
CALLBACKS = Counter(
    "regcluster_event_callbacks", "Expiries told to the route script.", ("outcome",)
)


COMMANDS: Final = Total(STORE_COMMANDS)
WRITES: Final = Total(STORE_WRITES)
"""Added to in every turn, each a plain number; ``settle`` writes them down."""

_requests: Final = Counts(REQUESTS, TALLY)
_responses: Final = Counts(RESPONSES, TALLY)
_forwarded: Final = Counts(FORWARDED, TALLY)
_drops: Final = Counts(DROPS, TALLY, DROPPED)
_keepalives: Final = Counts(KEEPALIVES, TALLY)
_closed: Final = Counts(CLOSED, TALLY, CLOSINGS)
_registrations: Final = Counts(REGISTRATIONS, TALLY, OUTCOMES)
_rejections: Final = Counts(REJECTIONS, TALLY, REJECTED)
_lookups: Final = Counts(LOOKUPS, TALLY, ("found", "empty"))
_store_errors: Final = Counts(STORE_ERRORS, TALLY, STORE_FAULTS)
_callbacks: Final = Counts(CALLBACKS, TALLY, ("done", "failed", "unreadable"))
_removed: Final = Counts(REMOVED, TALLY, ("expired", "owner"))
_expiry_seconds: Final = Durations(EXPIRY_SECONDS, TALLY)
_feed_seconds: Final = Durations(FEED_SECONDS, TALLY)
_overflow: Final = DROPS.labels("overflow")
_request_seconds: Final = {"REGISTER": Durations(REQUEST_SECONDS.labels("REGISTER"), TALLY)}
_store_seconds: Final = {n: Durations(STORE_SECONDS.labels(n), TALLY) for n in STORE_CALLS}


def settle() -> None:
    """Write down what need not be at once; about once a second, and at the end."""
    TALLY.settle()
    COMMANDS.write()
    WRITES.write()


def known_method(method: str) -> str:
    """``method`` as a label, ``other`` if it is one that somebody has made up."""
    return method if method in METHODS else OTHER


def count_request(method: str, transport: str) -> None:
    """A SIP request was received."""
    _requests.of(known_method(method)).of(transport).inc()


def count_response(method: str, transport: str, status: int) -> None:
    """A response of ours was sent; ``status`` is one we know to send."""
    _responses.of(known_method(method)).of(transport).of(_STATUSES[status]).inc()


def count_forwarded(kind: str, transport: str) -> None:
    """A ``request`` or ``response`` was sent on."""
    _forwarded.of(kind).of(transport).inc()


def drop(reason: str) -> None:
    """A message came to nothing: ``reason`` is one of our own words."""
    _drops.of(reason).inc()


def count_overflow(datagrams: int) -> None:
    """So many datagrams were dropped by the kernel because they came faster than we read."""
    _overflow.inc(datagrams)


def count_keepalive(transport: str) -> None:
    """A keep-alive was received."""
    _keepalives.of(transport).inc()


def count_closed(reason: str) -> None:
    """A stream connection was ended by us."""
    _closed.of(reason).inc()


def count_shed() -> None:
    """A request was refused because too many were in flight."""
    SHED.inc()


def count_failure() -> None:
    """A request ended in an error nobody foresaw."""
    FAILURES.inc()


def count_registration(outcome: str) -> None:
    """A REGISTER did what ``outcome`` says, one of ``OUTCOMES`` but ``rejected``."""
    _registrations.of(outcome).inc()


def count_refusal(status: int) -> None:
    """A REGISTER was rejected with ``status`` before it got to the store."""
    count_rejection(REFUSED.get(status, "malformed"))


def count_rejection(reason: str) -> None:
    """A REGISTER was rejected; ``reason`` is one of ``REJECTED``."""
    _registrations.of("rejected").inc()
    _rejections.of(reason).inc()


def count_stored(table: str, bindings: int, aors: int) -> None:
    """So much is in one location table; the settings name the tables."""
    BINDINGS.labels(table).set(bindings)
    AORS.labels(table).set(aors)


def count_lookup(outcome: str) -> None:
    """A lookup ended ``found`` or ``empty``."""
    _lookups.of(outcome).inc()


def observe_request(method: str, seconds: float) -> None:
    """A request took this long."""
    known = known_method(method)
    durations = _request_seconds.get(known)
    if durations is None:
        durations = _request_seconds[known] = Durations(REQUEST_SECONDS.labels(known), TALLY)
    durations.observe(seconds)


def observe_store(operation: str, seconds: float) -> None:
    """A store call (``save``, ``fetch``, ``drop``) took this long."""
    _store_seconds[operation].observe(seconds)


def count_store_error(kind: str) -> None:
    """A store call failed; ``kind`` is one of ``STORE_FAULTS``."""
    _store_errors.of(kind).inc()


def count_store_reconnect() -> None:
    """A connection to the store was lost and is made anew."""
    STORE_RECONNECTS.inc()


def count_failovers(primaries: int) -> None:
    """So many primaries of the store are others than before."""
    STORE_FAILOVERS.inc(primaries)


def count_script_load() -> None:
    """The store did not have a script, and is sent its text."""
    STORE_SCRIPT_LOADS.inc()


def count_expired(lag_s: float) -> None:
    """A binding was removed so long after it had expired."""
    _removed.of("expired").inc()
    _expiry_seconds.observe(lag_s)


def count_reaped() -> None:
    """A binding was removed because whoever held its connection is gone."""
    _removed.of("owner").inc()


def observe_feed(lag_s: float) -> None:
    """An event was told to the route script so long after it was written."""
    _feed_seconds.observe(lag_s)


def observe_loop(lag_s: float) -> None:
    """The event loop came so much later than it was to."""
    LOOP_SECONDS.observe(lag_s)


def count_callback(outcome: str) -> None:
    """``event_callback`` was ``done``, or ``failed``; or ``unreadable``, and was not called."""
    _callbacks.of(outcome).inc()
