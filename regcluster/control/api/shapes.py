"""The documents of the API, as the OpenAPI document shows them and as requests are held to them.

What is told of a binding or an event is written by ``control.output`` and ``control.watch``, for
the command line too; a test holds those to the shapes here.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from regcluster.sip.headers import MAX_UINT32

EpochMs = Annotated[int, Meta(ge=0, description="Epoch milliseconds by the store's clock.")]
Count = Annotated[int, Meta(ge=0)]
TableName = Annotated[
    str | None, Meta(description="A location table; the first of location.tables unless given.")
]


class ApiSelf(Struct):
    """What is told at the root of the API."""

    version: Annotated[str, Meta(description="Of the node that was asked.")]
    openapi: Annotated[str, Meta(description="Where all of the API is described.")]


class Contact(Struct, kw_only=True):
    """One binding."""

    contact: Annotated[str, Meta(description="The Contact URI.")]
    q: Annotated[float | None, Meta(description="Preference, 0 to 1; null: unspecified.")]
    params: Annotated[str, Meta(description="Other contact parameters, as received.")]
    expires_in: Annotated[int, Meta(ge=0, description="Seconds left.")]
    expires_at: EpochMs
    created_at: EpochMs
    modified_at: EpochMs
    user_agent: str
    call_id: str
    cseq: int
    ruid: Annotated[str, Meta(description="Record-unique id.")]
    socket: Annotated[str | None, Meta(description="Where the REGISTER came in.")]
    connection: Annotated[
        str | None, Meta(description="The connection it came in on: <node>/<worker>.<...>.")
    ]
    received: Annotated[str | None, Meta(description="Where the REGISTER really came from.")]
    path: Annotated[str | None, Meta(description="The hops to it (RFC 3327).")]
    instance: str | None
    reg_id: int | None
    methods: Annotated[list[str] | None, Meta(description="null: nobody has said.")]
    cflags: int
    xavp: dict[str, str | int] | None


class Aor(Struct, kw_only=True):
    """An address-of-record and its bindings, best first."""

    aor: str
    now: EpochMs
    contacts: list[Contact]


class SavedAor(Aor, kw_only=True):
    """The bindings after one was made or refreshed."""

    outcome: Literal["added", "refreshed"]


class AorRow(Struct):
    """An address-of-record in a list."""

    aor: str
    contacts: Annotated[int, Meta(ge=1, description="How many bindings it has.")]
    href: Annotated[str, Meta(description="Where to ask for it.")]


class AorList(Struct):
    """One page."""

    aors: list[AorRow]
    cursor: Annotated[str | None, Meta(description="Where the next page begins; null: the end.")]


class NewContact(Struct, forbid_unknown_fields=True):
    """A binding to be made, or refreshed."""

    contact: Annotated[str, Meta(min_length=1, description="The URI, without angle brackets.")]
    expires: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_UINT32)] | None,
        Meta(description="Lifetime in seconds; registrar.default_expires unless given."),
    ] = None
    q: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="Preference; registrar.default_q unless given."),
    ] = None


class TableCounts(Struct):
    """What one location table holds."""

    aors: Annotated[int, Meta(ge=0, description="Exact up to a thousand bindings, then about.")]
    bindings: Count


class Counts(Struct):
    """What the store holds that has not expired."""

    bindings: Annotated[int, Meta(ge=0, description="In all tables.")]
    tables: dict[str, TableCounts]


class NodeRow(Struct):
    """A node, as the store knows it."""

    name: str
    state: Annotated[
        Literal["up", "partly", "gone"],
        Meta(description="partly: some of its workers do not renew their leases."),
    ]
    workers: Annotated[int | None, Meta(description="How many it says it runs.")]
    leases: Annotated[int, Meta(ge=0, description="How many of its workers have a lease.")]
    addresses: list[str]
    lease_ms: Annotated[int, Meta(ge=0, description="What is left of the longest of these.")]


class NodeList(Struct):
    """Every node that has left a trace in the store."""

    nodes: list[NodeRow]


class WorkerState(Struct):
    """A worker process of this node."""

    number: Count
    pid: Annotated[int | None, Meta(description="null: none is running at the moment.")]
    ready: bool
    restarts: Annotated[int, Meta(ge=0, description="Since the node was started.")]
    store_problem: Annotated[str | None, Meta(description="Why its store cannot be used.")]


class NodeState(Struct):
    """This node, as it sees itself."""

    name: str
    version: str
    started_at: Annotated[int, Meta(ge=0, description="Epoch milliseconds by the node's clock.")]
    uptime_s: Annotated[float, Meta(ge=0)]
    ready: bool
    draining: bool
    problems: Annotated[list[str], Meta(description="Why it should get no traffic.")]
    workers: list[WorkerState]


class Rates(Struct):
    """What happened per second, of late."""

    over_s: Annotated[float, Meta(description="The seconds these are the mean of.")]
    requests: Annotated[float, Meta(ge=0, description="SIP requests received.")]
    registers: Annotated[float, Meta(ge=0, description="REGISTERs among them.")]
    unavailable: Annotated[float, Meta(ge=0, description="Responses 503 sent.")]
    dropped: Annotated[float, Meta(ge=0, description="Messages that got no answer.")]


class NodeDetail(NodeState, kw_only=True):
    """This node, and what it does."""

    rates: Annotated[
        Rates | None, Meta(description="null: nobody has asked lately, so ask again soon.")
    ]


class SettingRow(Struct):
    """A setting in force."""

    value: int | float | str | list[str]
    origin: Annotated[str, Meta(description="Where the value comes from.")]


class Draining(Struct):
    """A drain is under way."""

    within_s: Annotated[float, Meta(ge=0, description="When the node has ended, at the latest.")]


class Problem(Struct):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None


class NoQuery(Struct, forbid_unknown_fields=True):
    """No parameters."""


class TableQuery(Struct, forbid_unknown_fields=True):
    """Which table."""

    table: TableName = None


class ListQuery(Struct, forbid_unknown_fields=True):
    """Which addresses-of-record."""

    prefix: Annotated[str, Meta(description="Only those that begin with this.")] = ""
    domain: Annotated[str, Meta(description="Only those of this domain.")] = ""
    table: TableName = None
    cursor: Annotated[str, Meta(description="Go on where a page has ended.")] = ""
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many.")] = 100


class DropQuery(Struct, forbid_unknown_fields=True):
    """Which bindings of an address-of-record: by ``contact`` or by ``ruid``."""

    contact: Annotated[str, Meta(description="Those with this Contact URI.")] = ""
    ruid: Annotated[str, Meta(description="The one with this record-unique id.")] = ""
    table: TableName = None


class EventQuery(Struct, forbid_unknown_fields=True):
    """Which events."""

    aor: Annotated[str, Meta(description="Only those of this address-of-record.")] = ""
    domain: Annotated[str, Meta(description="Only those of this domain.")] = ""
    table: TableName = None
    since: Annotated[
        str,
        Meta(
            description="Begin in the past: 10m, 2026-01-31T12:00, epoch milliseconds, or behind "
            "the event with that id; 0: with the oldest there is."
        ),
    ] = ""
