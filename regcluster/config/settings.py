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
FlagNumber = Annotated[int, Meta(ge=-1, le=31)]


class NodeSettings(Struct, frozen=True, kw_only=True):
    """Who this node is and how many processes it runs."""

    name: str = ""
    """Name of the node, another one for each on a store; empty: the host name."""
    workers: Count = 0
    """Worker processes; 0: as many as the CPUs this process may use."""
    advertise: str = ""
    """Host or address that reaches this node from outside, written in Via; empty: the address the
    request came in on."""
    aliases: list[str] = []
    """Other names by which requests reach this node, ``host`` or ``host:port``: a balancer's, or
    those in ``routing.service_route``. A Route with one of them ends here."""
    drain_s: Annotated[float, Meta(ge=0)] = 10.0
    """Seconds from SIGTERM to exit, at most; an embedded store that hangs takes one more."""
    notice_s: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds of these in which a node that is told to end is not ready any more, and says so to
    OPTIONS, but still takes requests: as long as a balancer needs to see that."""


class ListenSettings(Struct, frozen=True, kw_only=True):
    """Addresses to serve SIP on, each ``host:port`` or ``[v6]:port``."""

    udp: list[str] = field(default_factory=lambda: ["0.0.0.0:5060"])
    """UDP sockets; every worker listens on each."""
    tcp: list[str] = field(default_factory=lambda: ["0.0.0.0:5060"])
    """TCP listeners, shared by the workers in the same way."""
    tcp_proxied: list[str] = []
    """TCP listeners for balancers that say with a PROXY header, version 1 or 2, whose connection
    they pass on; one that does not begin with such a header is closed."""
    proxied_from: list[str] = []
    """Networks, such as ``"10.0.0.0/8"``, from which a PROXY header is believed: those of the
    balancers. Whoever else comes to ``tcp_proxied`` is sent away."""


class StoreSettings(Struct, frozen=True, kw_only=True):
    """Where the bindings live."""

    url: str = "embedded://"
    """``redis://``, ``rediss://``, ``unix://``, ``redis+sentinel://``, ``redis+cluster://``, the
    last two with ``rediss`` too, or ``embedded://[directory]``."""
    prefix: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9_.-]+$", description="letters, digits and any of `_ . -`"),
    ] = "rc"
    """First part of every key."""
    partitions: Annotated[int, Meta(ge=1, le=16384)] = 256
    """Fixed when the store is first used."""
    deadline_ms: Milliseconds = 500
    """The longest a store call may take before the request is answered 503."""
    wait_replicas: Count = 0
    """Replicas that must have a change before a REGISTER is answered 200; with fewer in half of
    ``deadline_ms`` it is answered 503, though the change may stay. 0: do not wait."""
    grace_s: Seconds = 300
    """How long Redis itself keeps an AOR after its last binding has expired."""
    feed_maxlen: Positive = 1000
    """Entries kept in the change feed of one partition, about."""


class RegistrarSettings(Struct, frozen=True, kw_only=True):
    """Kamailio's ``registrar`` parameters: same names, same meaning, same defaults. Those from
    ``unknown_require`` on are our own."""

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
    received_avp: str = ""
    """The AVP, as in ``$avp(rcv)``, in which a script says where a REGISTER really came from."""
    received_param: str = "received"
    """Contact parameter that shows that in the 200; empty: not shown."""
    max_contacts: Count = 0
    """Bindings one AOR may hold; 0: 256, so that no user can hold up the store."""
    retry_after: Count = 0
    """Retry-After in registrar replies of class 5xx, seconds; 0: none."""
    sock_flag: FlagNumber = -1
    """Message flag under which a REGISTER may name its own socket; -1: none may."""
    sock_hdr_name: str = ""
    """Header that names the socket, where ``sock_flag`` is set."""
    sock_mode: Switch = 0
    """1: a binding keeps the advertised address of its socket, 0 the one it is bound to."""
    method_filtering: Switch = 0
    """1: lookup passes over contacts that do not take the request's method."""
    use_path: Switch = 0
    """1: Path is kept with the binding and followed by lookup (RFC 3327)."""
    path_mode: Annotated[int, Meta(ge=0, le=2)] = 2
    """Path in the 200: 0 never, 1 to those who support it, 2 a REGISTER that does not is refused
    with 420."""
    path_use_received: Switch = 0
    """1: ``received`` of the first Path URI says where a REGISTER really came from."""
    path_check_local: Switch = 0
    """1: lookup passes over Path hops that are this node itself."""
    xavp_cfg: str = ""
    """The XAVP in which a script configures one request."""
    xavp_rcd: str = ""
    """The XAVP in which a script finds the bindings that a function met."""
    xavp_rcd_mask: Annotated[int, Meta(ge=0, le=31)] = 0
    """What to leave out of it, added up: 1 ruid, 2 contact, 4 expires, 8 received, 16 path."""
    gruu_enabled: Switch = 1
    """1: a phone with an instance that supports GRUU is given two (RFC 5627)."""
    outbound_mode: Annotated[int, Meta(ge=0, le=2)] = 0
    """RFC 5626: 0 refused where required, 1 supported, 2 required."""
    regid_mode: Switch = 0
    """``reg-id`` behind an edge proxy: 0 honoured only if the proxy does outbound, 1 always."""
    flow_timer: Annotated[int, Meta(ge=0, le=999)] = 0
    """Flow-Timer in the 200 to a phone that does outbound, seconds; 0: none."""
    contact_max_size: Positive = 512
    """Longest Contact URI, octets."""
    event_callback: str = ""
    """Function of the route script that is told of each binding that expires."""
    lookup_filter_mode: Annotated[int, Meta(ge=0, le=3)] = 0
    """What lookup passes over, added up: 1 contacts without the branch flags asked for, 2 those
    whose connection is known to be gone."""
    use_expired_contacts: Switch = 0
    """1: lookup and registered also take bindings that have expired and are still there."""
    unknown_require: Literal["refuse", "ignore"] = "refuse"
    """Extensions in Require that we do not have: refuse with 420, or ignore as Kamailio does."""
    missing_supported: Literal["refuse", "accept"] = "refuse"
    """A REGISTER without Supported where ``outbound_mode`` is 2: refuse with 421, or accept as
    Kamailio does."""
    full_aor: Literal["refuse", "evict"] = "refuse"
    """A contact too many: refuse with 503 as Kamailio does, or remove the bindings refreshed
    longest ago."""
    trust_contact_from: list[str] = []
    """Networks, such as ``"10.0.0.0/8"``, whose requests may say in a Contact's ``received`` where
    calls are sent; in Kamailio anybody may."""
    expired_contacts: Literal["skip", "include"] = "skip"
    """What ``lookup_xavp``, ``reg_fetch_contacts`` and ``reg_from_user`` make of expired bindings
    that are still there; Kamailio includes them."""
    rcd_shape: Literal["flat", "roots"] = "flat"
    """Several bindings in ``xavp_rcd``: all in one root as in Kamailio, or one root each."""


class LocationSettings(Struct, frozen=True, kw_only=True):
    """Kamailio's ``usrloc`` parameters that still mean something here."""

    use_domain: Switch = 1
    """1: an AOR is user@host; 0: the user alone."""
    cseq_delay: Seconds = 20
    """How long an equal CSeq in the same Call-ID counts as a retransmission."""
    matching_mode: Annotated[int, Meta(ge=0, le=3)] = 0
    """What makes two contacts one binding: 0 their URI, 1 URI and Call-ID, 2 URI and Path,
    3 the Call-ID alone. An instance-id goes before all of these."""
    desc_time_order: Switch = 0
    """Order of an AOR's contacts: 0 by q, highest first, 1 by last refresh, newest first."""
    nat_bflag: FlagNumber = -1
    """Branch flag of a binding whose ``received`` came from Path; -1: none."""
    xavp_contact: str = ""
    """The XAVP that a script keeps with a binding, and finds again with its branch."""
    tables: list[str] = field(default_factory=lambda: ["location"])
    """Names of the location tables there are; the first is the one the built-in script uses."""
    uri_equality: Literal["rfc3261", "bytes"] = "rfc3261"
    """When two Contact URIs are one binding: RFC 3261 section 19.1.4, or byte for byte as in
    Kamailio."""
    new_call_id: Literal["keep_flows", "drop_flows"] = "keep_flows"
    """A flow refreshed with another Call-ID: the other flows of its instance stay, or go as in
    Kamailio."""
    plain_binding: Literal["adopt", "separate"] = "adopt"
    """A contact with an instance whose URI is bound without one: take that binding over, or add a
    second one as Kamailio does."""


class RoutingSettings(Struct, frozen=True, kw_only=True):
    """What the built-in route script does."""

    domains: list[str] = []
    """The domains we are registrar for; empty: any."""
    mode: Literal["redirect", "forward"] = "redirect"
    """After a lookup: answer 302 with all contacts, or forward to the best one."""
    foreign: Annotated[int, Meta(ge=403, le=404)] = 403
    """Response to requests for a domain that is not ours: 403 or 404."""
    script: str = ""
    """File of a route script; empty: the built-in one."""
    service_route: list[str] = []
    """URIs for Service-Route in the 200 to a REGISTER, in order (RFC 3608)."""


class HttpSettings(Struct, frozen=True, kw_only=True):
    """The port for metrics, health, the API and the console."""

    listen: str = "127.0.0.1:8080"
    """``host:port``; empty: no HTTP."""
    token_file: str = ""
    """File of the API's tokens, on each line a role (``read`` or ``write``) and a token; SIGHUP
    reads it again. Empty: the API only reads, and answers this machine alone."""


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
