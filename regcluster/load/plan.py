"""What to offer a server, checked before anything is sent.

An open loop (``rate``) sends at instants decided in advance, whatever the server does, and counts
latency from those instants: a server that stalls cannot hide it by being asked less. A closed loop
(``window``) keeps so many requests under way and finds out what the server can do.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from regcluster.config.address import is_address, is_host
from regcluster.errors import ConfigError

KINDS = ("register", "refresh", "lookup", "forward", "miss")
"""A phone's first REGISTER; a later one; a request to a phone that the server redirects; one that
it forwards and the phone answers; one to a user who never registered."""

NEEDS_PHONES = frozenset({"refresh", "lookup", "forward"})
"""Kinds that are about phones which have registered before."""

TRANSPORTS = ("udp", "tcp")
METHODS = ("INVITE", "OPTIONS")
ARRIVALS = ("even", "poisson")

TIMER_T1_S = 0.5
TIMER_T2_S = 4.0
TIMEOUT_S = 5.0
"""Seconds after which a request that is sent once counts as lost."""
TIMER_F_S = 64 * TIMER_T1_S
"""The same for one that is sent again and again (RFC 3261 §17.1.2.2, timers B and F)."""

MOST_USERS = 80_000_000
"""All numbers have eight digits, and the highest are those of users who never register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One run of the generator; rates, windows and counts are of all its processes together."""

    targets: Sequence[str] = ("127.0.0.1:5060",)
    """Servers, ``host:port``; sockets are shared out among them."""
    transport: str = "udp"
    mix: Mapping[str, int] = field(default_factory=lambda: {"refresh": 9, "lookup": 1})
    """Weights by kind of request; the kinds are ``KINDS``."""
    method: str = "INVITE"
    """Of requests other than REGISTER."""

    users: int = 1000
    """Phones that have registered before the run begins, if the mix needs any."""
    first: int = 0
    """Number of the first phone; phones new in the run come after the last of ``users``."""
    domain: str = "example.test"
    expires: int = 3600
    prepare: bool = True
    """Whether ``users`` are registered first; otherwise they are taken to be."""
    call_ids: str = ""
    """What the Call-IDs of REGISTERs have in common; empty: new in each run."""
    cseq: int = 0
    """CSeq numbers of REGISTERs are above this one."""

    rate: float = 0.0
    """Requests a second; 0: a closed loop."""
    arrivals: str = "even"
    """How an open loop spaces requests: evenly, or at random as independent phones do."""
    window: int = 64
    """Requests under way in a closed loop."""
    seconds: float = 10.0
    """How long to send, the warm-up not counted."""
    count: int = 0
    """Requests to send in place of ``seconds``; 0: as many as there is time for."""
    warmup_s: float = 2.0
    """Seconds of the same load before anything is counted."""

    retransmit: bool = False
    """Whether UDP requests are sent again by the timers of RFC 3261 §17.1."""
    timeout_s: float = 0.0
    """Seconds to wait for an answer; 0: 32 where requests are sent again, 5 elsewhere."""
    persist_s: float = 0.0
    """How long a phone tries again after a 503 (when its Retry-After says) or silence; 0: never."""

    processes: int = 1
    sockets: int = 1
    """UDP sockets or TCP connections to each target, of each process."""
    slice_s: float = 1.0
    """Width of the steps of ``Report.timeline``."""

    @property
    def is_open(self) -> bool:
        """Whether the instants of requests are decided in advance."""
        return self.rate > 0

    @property
    def needs_phones(self) -> bool:
        """Whether the mix asks for phones that have registered before."""
        return any(self.mix.get(kind) for kind in NEEDS_PHONES)

    @property
    def first_new(self) -> int:
        """Number of the first phone that is new in the run."""
        return self.first + (self.users if self.needs_phones else 0)

    @property
    def patience_s(self) -> float:
        """Seconds until a request counts as lost."""
        return self.timeout_s or (TIMER_F_S if self.retransmit else TIMEOUT_S)

    def document(self) -> dict[str, Any]:
        """The load for machines: as it was offered, None where something does not count."""
        idle = ("window",) if self.is_open else ("rate", "arrivals")
        unasked = "seconds" if self.count else "count"
        told = {**asdict(self), "targets": list(self.targets), "timeout_s": self.patience_s}
        return {**told, **dict.fromkeys((*idle, unasked))}

    def check(self) -> None:
        """Raise ``ConfigError`` with everything that cannot be."""
        if problems := list(_problems(self)):
            raise ConfigError(problems)


def _problems(load: Load) -> Iterator[str]:
    yield from _target_problems(load)
    yield from _mix_problems(load)
    yield from _least(load, {"users": 1, "processes": 1, "sockets": 1, "window": 1, "expires": 1})
    yield from _least(load, {"first": 0, "rate": 0, "count": 0, "warmup_s": 0, "persist_s": 0})
    for name, allowed in (("method", METHODS), ("arrivals", ARRIVALS), ("transport", TRANSPORTS)):
        if getattr(load, name) not in allowed:
            yield f"{name} must be {' or '.join(allowed)}, not {getattr(load, name)}"
    if load.seconds <= 0 and not load.count:
        yield "seconds must be more than 0"
    if load.users < load.processes:
        yield "there must be at least one user for each process"
    if load.first + load.users > MOST_USERS:
        yield f"numbers of phones end at {MOST_USERS}"


def _target_problems(load: Load) -> Iterator[str]:
    if not load.targets:
        yield "there is no target"
    for target in load.targets:
        if not is_address(target):
            yield f"{target} is no address to send to, such as 127.0.0.1:5060"
    if not is_host(load.domain):
        yield f"{load.domain} is no domain"


def _mix_problems(load: Load) -> Iterator[str]:
    for kind, weight in load.mix.items():
        if kind not in KINDS:
            yield f"{kind} is no kind of request; there are {', '.join(KINDS)}"
        if weight < 0:
            yield f"the weight of {kind} must be 0 or more"
    if not any(weight > 0 for weight in load.mix.values()):
        yield "the mix is empty"
    if load.mix.get("forward") and load.transport != "udp":
        yield "forwarded requests are answered over UDP only"


def _least(load: Load, limits: Mapping[str, int]) -> Iterator[str]:
    for name, least in limits.items():
        if getattr(load, name) < least:
            yield f"{name} must be {least} or more"
