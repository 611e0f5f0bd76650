"""From a record to branches: which contacts a request may go to, best first.

The order is that of the record, so every node chooses alike, retransmissions included (RFC 3261
§16.11). What a request may not use is passed over: contacts that do not take its method, that lack
the branch flags asked for, whose connection is gone, or the node that held it. A GRUU leads to one
contact only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.binding import Binding, instance_id
from regcluster.registrar.branch import MAX_BRANCHES, Branch, branch_of
from regcluster.registrar.codes import LookupCode
from regcluster.registrar.gruu import Opened
from regcluster.registrar.methods import bit
from regcluster.registrar.options import PLAIN_LOOKUP, LookupOptions
from regcluster.registrar.plan import Record
from regcluster.sip.uri import SipUri

BY_FLAGS, BY_CONNECTION = 1, 2
"""The bits of ``lookup_filter_mode``."""


@dataclass(slots=True, frozen=True)
class WholeAor:
    """Any contact of the AOR."""


@dataclass(slots=True, frozen=True)
class Instance:
    """The contact of one instance, as the ``gr`` of a public GRUU names it."""

    name: str


Wanted = WholeAor | Instance | Opened
"""What the URI of a request asks for: anything, or what a public or a temporary GRUU stands for."""

WHOLE_AOR: Final = WholeAor()


@dataclass(slots=True)
class Lookup:
    """What a lookup found."""

    code: LookupCode
    branches: list[Branch]
    bindings: list[Binding]
    """What the branches lead to, one each."""


def _never(_: str, __: int) -> bool:
    return False


@dataclass(slots=True)
class Selector:
    """What turns records into branches: settings, and questions that only the edge answers."""

    registrar: RegistrarSettings
    is_ours: Callable[[SipUri], bool]
    """Whether a URI is this node itself (``path_check_local``)."""
    is_gone: Callable[[str], bool]
    """Whether a connection is known to be closed (``lookup_filter_mode`` 2)."""
    is_orphaned: Callable[[str, int], bool] = _never
    """Whether the node that held a connection, by which something was bound then, is gone."""

    def select(
        self, record: Record, wanted: Wanted = WHOLE_AOR, options: LookupOptions = PLAIN_LOOKUP
    ) -> Lookup:
        """The branches to what is wanted of ``record``, whose bindings are all good to use.

        All contacts of an AOR, or only the best where ``append_branches`` is off; of a GRUU's the
        one that was refreshed last (RFC 5627 §6.1), for no two flows of an instance are used at
        once (RFC 5626 §7).
        """
        reachable = [binding for binding in record.bindings if not self._is_stranded(binding)]
        able = self._able(reachable, options)
        if isinstance(wanted, WholeAor):
            chosen = self._unfiltered(able, options)
            # A request has no room for more, and to make one may take as long as the request.
            chosen = chosen[: MAX_BRANCHES if self.registrar.append_branches else 1]
        else:
            chosen = _latest([b for b in able if _is_wanted(b, wanted)])
        if not chosen:
            return Lookup(self._nothing(reachable, able, wanted), [], [])
        is_ours = self.is_ours if self.registrar.path_check_local else None
        branches = [branch_of(binding, record.now, is_ours) for binding in chosen]
        return Lookup(LookupCode.FOUND, branches, chosen)

    def _able(self, bindings: list[Binding], options: LookupOptions) -> list[Binding]:
        """Those that take the method of the request (``method_filtering``)."""
        if not self.registrar.method_filtering or options.in_dialog or not options.method:
            return bindings
        method = bit(options.method)
        return [binding for binding in bindings if binding.methods & method]

    def _unfiltered(self, bindings: list[Binding], options: LookupOptions) -> list[Binding]:
        """Those that ``lookup_filter_mode`` lets pass."""
        mode = self.registrar.lookup_filter_mode
        if mode & BY_FLAGS and options.bflags:
            bindings = [binding for binding in bindings if binding.cflags & options.bflags]
        if mode & BY_CONNECTION:
            bindings = [binding for binding in bindings if not self._is_cut_off(binding)]
        return bindings

    def _is_cut_off(self, binding: Binding) -> bool:
        """Whether the one way back was a connection; behind a Path it led to a proxy only."""
        return bool(binding.connection and not binding.path and self.is_gone(binding.connection))

    def _is_stranded(self, binding: Binding) -> bool:
        """Whether the one way back was a connection of a node that is gone, whatever the mode."""
        connection = binding.connection
        if not connection or binding.path:
            return False
        return self.is_orphaned(connection, binding.modified_at)

    def _nothing(self, bindings: list[Binding], able: list[Binding], wanted: Wanted) -> LookupCode:
        """Why nothing was chosen; for a public GRUU the whole AOR's methods count, as in Kamailio.

        A temporary GRUU is of one binding, so only that one's do.
        """
        unable = len(able) < len(bindings)
        if isinstance(wanted, Opened):
            unable = any(wanted.names(binding) for binding in bindings)
        return LookupCode.NOT_ALLOWED if unable else LookupCode.NOT_FOUND


def ordered(record: Record, location: LocationSettings) -> Record:
    """``record`` as the settings want it: by preference, as the store gives it, or newest first.

    Under ``desc_time_order`` whoever refreshed last is first; of contacts that one request added
    the last is, as each went to the front.
    """
    if not location.desc_time_order:
        return record
    return Record(record.now, sorted(record.bindings, key=_age, reverse=True))


def _age(binding: Binding) -> tuple[int, int, str]:
    return (binding.modified_at, len(binding.ruid), binding.ruid)


def _latest(bindings: list[Binding]) -> list[Binding]:
    return [max(bindings, key=_age)] if bindings else []


def _is_wanted(binding: Binding, wanted: Instance | Opened) -> bool:
    if isinstance(wanted, Opened):
        return wanted.names(binding)
    return binding.instance != "" and instance_id(binding.instance) == instance_id(wanted.name)
