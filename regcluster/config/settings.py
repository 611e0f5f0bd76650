"""The settings, one frozen class a section: names, types, defaults, limits.

``[registrar]`` and ``[location]`` use Kamailio's parameter names with Kamailio's meaning, so that
a ``modparam`` line translates by hand. A function takes the section it needs, never the whole.
Reading files and the environment is ``reader``'s work; nothing here touches the world.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Switch = Annotated[int, Meta(ge=0, le=1)]
Seconds = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Milliseconds = Annotated[int, Meta(ge=1)]


class NodeSettings(Struct, frozen=True, kw_only=True):
    """Who this node is and how many processes it runs."""

    name: str = ""
    """Name of the node; empty: the host name."""
    workers: Count = 0
    """Worker processes; 0: as many as the CPUs this process may use."""
    advertise: str = ""
    """Host or address that reaches this node from outside, written in Via; empty: the address the
    request came in on."""
    drain_s: Annotated[float, Meta(ge=0)] = 10.0
    """Seconds from SIGTERM to exit, at most; an embedded store that hangs takes one more."""
    notice_s: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds of these in which a node that is told to end is not ready any more but still takes
    requests: as long as a balancer needs to see that."""


class ListenSettings(Struct, frozen=True, kw_only=True):
    """Addresses to serve SIP on, each ``host:port`` or ``[v6]:port``."""

    udp: list[str] = field(default_factory=lambda: ["0.0.0.0:5060"])
    """UDP sockets; every worker listens on each."""
    tcp: list[str] = field(default_factory=lambda: ["0.0.0.0:5060"])
    """TCP listeners, shared by the workers in the same way."""


class StoreSettings(Struct, frozen=True, kw_only=True):
    """Where the bindings live."""

    url: str = "embedded://"
    """``redis://``, ``rediss://``, ``unix://`` or ``embedded://[directory]``."""
    prefix: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9_.-]+$", description="letters, digits and any of `_ . -`"),
    ] = "rc"
    """First part of every key."""
    partitions: Annotated[int, Meta(ge=1, le=16384)] = 256
    """Fixed when the store is first used."""
    deadline_ms: Milliseconds = 500
    """The longest a store call may take before the request is answered 503."""
    grace_s: Seconds = 300
    """How long Redis itself keeps an AOR after its last binding has expired."""
    feed_maxlen: Positive = 1000
    """Entries kept in the change feed of one partition, about."""


class RegistrarSettings(Struct, frozen=True, kw_only=True):
    """Kamailio's ``registrar`` parameters: same names, same meaning, same defaults. The last one is
    our own."""

    default_expires: Seconds = 3600
    """Lifetime when the request gives none."""
    default_expires_range: Percent = 0
    """Random reduction of ``default_expires``, percent."""
    expires_range: Percent = 0
    """Random reduction of requested lifetimes, percent."""
    min_expires: Seconds = 60
    """Shortest lifetime granted; 0: no floor."""
    min_expires_mode: Switch = 0
    """Below the floor: 0 raise to it, 1 refuse with 423."""
    max_expires: Seconds = 0
    """Longest lifetime granted; 0: no ceiling."""
    default_q: Annotated[int, Meta(ge=-1, le=1000)] = -1
    """Preference in thousandths when the request gives none; -1: unspecified."""
    realm_prefix: str = ""
    """Removed from the front of the host of an AOR."""
    append_branches: Switch = 1
    """Lookup: 1 all contacts, 0 only the best."""
    case_sensitive: Switch = 0
    """1: the user part of an AOR keeps its case."""
    max_contacts: Count = 0
    """Bindings one AOR may hold; 0: 256, so that no user can hold up the store."""
    retry_after: Count = 0
    """Retry-After in registrar replies of class 5xx, seconds; 0: none."""
    contact_max_size: Positive = 512
    """Longest Contact URI, octets."""
    unknown_require: Literal["refuse", "ignore"] = "refuse"
    """Extensions in Require that we do not have: refuse with 420, or ignore as Kamailio does."""


class LocationSettings(Struct, frozen=True, kw_only=True):
    """Kamailio's ``usrloc`` parameters that still mean something here."""

    use_domain: Switch = 1
    """1: an AOR is user@host; 0: the user alone."""
    cseq_delay: Seconds = 20
    """How long an equal CSeq in the same Call-ID counts as a retransmission."""
    uri_equality: Literal["rfc3261", "bytes"] = "rfc3261"
    """When two Contact URIs are one binding: RFC 3261 section 19.1.4, or byte for byte as in
    Kamailio."""


class RoutingSettings(Struct, frozen=True, kw_only=True):
    """What the built-in route script does."""

    domains: list[str] = []
    """The domains we are registrar for; empty: any."""
    mode: Literal["redirect", "forward"] = "redirect"
    """After a lookup: answer 302 with all contacts, or forward to the best one."""
    foreign: Annotated[int, Meta(ge=403, le=404)] = 403
    """Response to requests for a domain that is not ours: 403 or 404."""


class HttpSettings(Struct, frozen=True, kw_only=True):
    """The port for metrics and health."""

    listen: str = "127.0.0.1:8080"
    """``host:port``; empty: no HTTP."""


class LimitSettings(Struct, frozen=True, kw_only=True):
    """Bounds that keep a node alive under load or attack."""

    in_flight: Positive = 2000
    """Requests one worker works on at once; past it they are answered 503."""
    retry_after_s: Positive = 5
    """Middle of the spread of Retry-After in a 503 of ours, seconds."""
    connections: Positive = 10000
    """Stream connections one worker holds."""
    idle_s: Annotated[float, Meta(gt=0)] = 3600.0
    """Seconds of silence after which a stream connection is closed."""
    partial_s: Annotated[float, Meta(gt=0)] = 10.0
    """Seconds a message may stay incomplete on a stream."""
    write_buffer: Positive = 262144
    """Octets that may wait for a slow reader before its connection is closed."""


class LogSettings(Struct, frozen=True, kw_only=True):
    """Structured logs on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least a line must weigh to be written."""
    format: Literal["auto", "console", "json"] = "auto"
    """auto: console on a terminal, JSON lines otherwise."""


class Settings(Struct, frozen=True, kw_only=True):
    """The whole file, one attribute a section."""

    node: NodeSettings = NodeSettings()
    listen: ListenSettings = ListenSettings()
    store: StoreSettings = StoreSettings()
    registrar: RegistrarSettings = RegistrarSettings()
    location: LocationSettings = LocationSettings()
    routing: RoutingSettings = RoutingSettings()
    http: HttpSettings = HttpSettings()
    limits: LimitSettings = LimitSettings()
    log: LogSettings = LogSettings()
