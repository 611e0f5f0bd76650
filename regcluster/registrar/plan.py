"""What passes between a decision and the store: a plan goes down, a verdict comes back.

``plan_save`` writes a ``SavePlan`` from the request and the settings alone. Whatever depends on
stored bindings (ordering by Call-ID and CSeq, limits, matching) is decided inside the store's one
atomic script, whose answer is a ``Verdict``. A ``Refusal`` is a *no* that needed no store.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from regcluster.registrar.binding import ANY_METHOD, Binding, Xavp

DEFAULT_TABLE: Final = "location"
"""The location table whose keys bear no name of their own."""

Outcome = Literal["added", "refreshed", "removed", "unchanged", "out_of_order", "too_many"]
"""What a save did. The first four are successes and name the last contact that had an effect;
after the last two nothing has changed."""

Restored = Literal["added", "refreshed", "kept", "expired"]
"""What became of a binding put back: ``refreshed`` took the place of an older one, ``kept`` left
one as new in its place, ``expired`` came too late."""


@dataclass(slots=True)
class Change:
    """One Contact of a REGISTER: bind it for ``lifetime`` seconds, or remove it at 0."""

    key: str
    lifetime: int
    uri: str
    q: int
    params: str
    ruid: str
    """The record-unique id it gets if it is new; a refresh keeps the stored one."""
    alias: str = ""
    """The key its URI alone would have given a contact with an instance; else empty."""
    methods: int = ANY_METHOD
    received: str = ""
    instance: str = ""
    reg_id: int = 0


@dataclass(slots=True, frozen=True)
class Terms:
    """What the answer to a REGISTER depends on besides the record: how the phone asked."""

    path: str = ""
    """Path values to give back; empty: none."""
    gruu_host: str = ""
    """Host of the GRUUs to give, as it stands in the URI that named the AOR; empty: none."""
    gruu_scheme: str = "sip"
    """Scheme of the URI that named the AOR: a ``sips`` one has ``sips`` GRUUs."""
    is_outbound: bool = False
    """Whether the phone lists ``outbound`` in Supported or Require."""


PLAIN_TERMS: Final = Terms()
"""Those of a phone that asked for nothing more."""


@dataclass(slots=True)
class SavePlan:
    """Everything the store needs to apply one REGISTER to one AOR, all or nothing."""

    aor: str
    call_id: str
    cseq: int
    user_agent: str
    wipe: bool
    """``Contact: *``: remove every binding."""
    changes: list[Change]
    max_contacts: int
    """Bindings the AOR may hold after this; 0: no limit."""
    cseq_delay: int
    """Seconds during which an equal CSeq is a retransmission."""
    table: str = DEFAULT_TABLE
    socket: str = ""
    path: str = ""
    cflags: int = 0
    connection: str = ""
    xavp: Xavp | None = None
    """None: a refresh keeps what is stored."""
    is_single: bool = False
    """Save flag 0x04: of all bindings only the first contact that is bound stays."""
    evicts: bool = False
    """Past ``max_contacts`` the bindings refreshed longest ago go (``full_aor``)."""
    adopts: bool = True
    """A contact with an instance takes over the binding of its URI (``plain_binding``)."""
    drops_flows: bool = False
    """Another Call-ID for a flow removes its instance's other flows (``new_call_id``)."""
    terms: Terms = PLAIN_TERMS

    @property
    def is_query(self) -> bool:
        """True when nothing is to change (RFC 3261 §10.3 step 6, no Contact)."""
        return not self.wipe and not self.changes


@dataclass(slots=True)
class Record:
    """The unexpired bindings of one AOR as they stood at ``now`` (epoch ms, store's clock)."""

    now: int
    bindings: list[Binding]
    """In record order: see ``binding.preference``."""


@dataclass(slots=True)
class Verdict:
    """What the store did with a plan, and the record as it stands after it."""

    outcome: Outcome
    record: Record


@dataclass(slots=True)
class Refusal:
    """A decided no: the response it becomes and the headers it carries."""

    status: int
    reason: str
    error: str = ""
    """Text of ``P-Registrar-Error``, Kamailio's words; empty: no such header."""
    headers: list[tuple[str, str]] = field(default_factory=list)
