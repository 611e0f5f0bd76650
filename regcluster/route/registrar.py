"""The registrar as a script sees it: Kamailio's functions, bound to one request.

A table that is not named is the first of ``location.tables``, a URI that is not named the
Request-URI (for ``save`` the To URI). One that names no AOR is a *no* like any other, whereas
``StoreUnavailable`` goes through: a script that does not catch it costs its caller a 503. What was
saved is known to this call alone.
"""

from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Final

from regcluster.errors import MalformedHeader
from regcluster.location import Location, Profile
from regcluster.registrar.branch import Branch
from regcluster.registrar.codes import LookupCode, SaveCode, UnregisterCode
from regcluster.registrar.match import comes_from
from regcluster.registrar.options import SaveFlag
from regcluster.registrar.select import Lookup
from regcluster.route.exchange import Exchange, read_uri
from regcluster.route.exports import show_bindings, show_kept, show_profile, show_record
from regcluster.route.wishes import lookup_options, match_wanted, save_options, socket_text
from regcluster.sip.grammar import is_token
from regcluster.sip.headers import parse_q
from regcluster.sip.reply import Reply
from regcluster.sip.uri import Uri

# An IntFlag looks up a member for each test of a bit, an int does not.
_NORPL: Final = int(SaveFlag.NORPL)
_PREPRPL: Final = int(SaveFlag.PREPRPL)


class MatchAction(IntFlag):
    """What ``registered`` does with the binding it has found, with Kamailio's numbers."""

    NONE = 0
    KEPT = 1
    """Give back what was kept with it (``xavp_contact``)."""
    NO_RCD = 2
    """Do not show it in ``xavp_rcd``."""


@dataclass(slots=True)
class SaveResult:
    """What a save did, and whether the request has its reply now."""

    code: SaveCode
    reply: Reply
    is_replied: bool


@dataclass(slots=True)
class Memory:
    """What one function of the registrar leaves in a call for another."""

    q: int | None = None
    """What ``set_q_override`` has set for the next save."""
    unsent: Reply | None = None
    """The reply that the last save held back."""
    profiles: dict[str, Profile] | None = None


class RegistrarFace:
    """The registrar's functions, bound to one call."""

    __slots__ = ("_call", "_location", "_memory")

    def __init__(self, call: Exchange, location: Location, memory: Memory) -> None:
        self._call = call
        self._location = location
        self._memory = memory

    @property
    def profiles(self) -> dict[str, Profile] | None:
        """What ``reg_fetch_contacts`` has fetched, by name."""
        return self._memory.profiles

    @profiles.setter
    def profiles(self, profiles: dict[str, Profile]) -> None:
        self._memory.profiles = profiles

    async def save(
        self,
        table: str = "",
        flags: int = 0,
        uri: str = "",
        *,
        contact: str = "",
        user_agent: str = "",
    ) -> SaveResult:
        """Process the request as a REGISTER and reply to it, unless ``flags`` say not to.

        ``uri`` names the AOR in place of To; ``contact`` and ``user_agent`` stand in for the
        headers of that name.
        """
        location, memory = self._location, self._memory
        memory.unsent = None
        if flags:
            flags = int(flags)
        options = save_options(self._call, location, table or location.settings.tables[0], flags)
        if uri or contact or user_agent or memory.q is not None:
            q = options.q if memory.q is None else memory.q
            options = replace(options, uri=uri, contact=contact, user_agent=user_agent, q=q)
            memory.q = None
        saved = await location.save(self._call.request, options)
        if location.registrar.xavp_rcd and saved.record:
            show_record(self._call, location.registrar, saved.record)
        is_replied = not flags & _NORPL
        if is_replied:
            self._call.answer(saved.reply)
        else:
            memory.unsent = saved.reply
            if flags & _PREPRPL and saved.code:
                self._call.reply_headers += saved.reply.headers
        return SaveResult(saved.code, saved.reply, is_replied)

    def reg_send_reply(self) -> bool:
        """Send the reply that the last save held back; False if it did not hold any back."""
        memory = self._memory
        if memory.unsent is None:
            return False
        self._call.answer(memory.unsent)
        memory.unsent = None
        return True

    def fix_nated_register(self) -> None:
        """Let the next save keep where the request really came from (``received_avp``)."""
        if name := self._location.registrar.received_avp:
            self._call.avp.set(name, self._call.source_uri)

    def set_q_override(self, q: str) -> bool:
        """Bind the contacts of the next save with this preference, 0 to 1 as in a Contact."""
        try:
            self._memory.q = parse_q(q)
        except MalformedHeader:
            return False
        return True

    async def lookup(self, table: str = "", uri: str = "") -> LookupCode:
        """Write the best contact over the Request-URI, and append the others as branches.

        The whole of branch 0 is written over; its flags are added to. When nothing is found
        nothing changes.
        """
        call = self._call
        found = await self._find(table, uri or call.target)
        if found.code:
            flags = call.bflags
            self._take(found, 0)
            call.branches[0].flags |= flags
            show_kept(call, self._location.settings.xavp_contact, call.branches[0].xavp)
        return found.code

    async def lookup_to_dset(self, table: str = "", uri: str = "") -> LookupCode:
        """Append every contact as a branch; the Request-URI stays as it is."""
        found = await self._find(table, uri or self._call.target)
        self._append(found.branches)
        return found.code

    async def lookup_branches(self, table: str = "") -> LookupCode:
        """Look up the Request-URI, then every branch that there was and that is a bare URI."""
        branches = self._call.branches
        before = range(1, len(branches))
        codes = [await self.lookup(table)]
        for index in before:
            if _is_bare(branches[index]):
                found = await self._find(table, branches[index].uri)
                codes.append(found.code)
                if found.code:
                    self._take(found, index)
        return LookupCode.FOUND if LookupCode.FOUND in codes else codes[-1]

    async def lookup_xavp(
        self, table: str = "", uri: str = "", record: str = "record", contact: str = "contact"
    ) -> LookupCode:
        """Show all contacts as XAVPs: one root called ``record``, one called ``contact`` each."""
        profile = await self._all(table, uri or self._call.target)
        if profile is None:
            return LookupCode.NOT_FOUND
        show_profile(self._call, profile, record, contact)
        return LookupCode.FOUND

    async def registered(
        self,
        table: str = "",
        uri: str = "",
        match_option: int = 0,
        match_action: int = MatchAction.NONE,
    ) -> bool:
        """Whether the user has a contact, or one of the kind that ``match_option`` asks for."""
        call, location = self._call, self._location
        asked = _read(uri or call.target)
        match = match_wanted(call, location.registrar, match_option)
        profile = await location.registered(asked, match.fits, table) if asked else None
        if profile is None:
            return False
        if match_action & MatchAction.KEPT:
            [binding] = profile.record.bindings
            show_kept(call, location.settings.xavp_contact, binding.xavp)
        if not match_action & MatchAction.NO_RCD:
            show_record(call, location.registrar, profile.record)
        return True

    def add_sock_hdr(self, name: str) -> bool:
        """Tell the next registrar in a header ``name`` which socket of ours the request came in on.

        False if that is no name of a header. It is in what is sent on, not in the request here.
        """
        if not is_token(name):
            return False
        self._call.added_headers.append((name, socket_text(self._call.source.local)))
        return True

    async def unregister(self, table: str = "", uri: str = "", ruid: str = "") -> UnregisterCode:
        """Remove all bindings of the user, or the one with that ruid.

        A ruid alone does not tell which AOR it is of, and searching them all is not for a request
        to do: without ``uri`` it fails.
        """
        asked = _read(uri)
        if asked is None:
            return UnregisterCode.FAILED if ruid and not uri else UnregisterCode.BAD_AOR
        return await self._location.unregister(asked, ruid, table)

    async def reg_fetch_contacts(
        self, table: str = "", uri: str = "", profile: str = "callee"
    ) -> Profile | None:
        """Put all contacts of the user into the profile of that name, in place of what is there.

        None if there are none; then the profile is empty. It is kept as long as the call.
        """
        self.reg_free_contacts(profile)
        fetched = await self._all(table, uri or self._call.target)
        if fetched is None:
            return None
        if self._memory.profiles is None:
            self._memory.profiles = {}
        self._memory.profiles[profile] = fetched
        return fetched

    def reg_free_contacts(self, profile: str) -> bool:
        """Empty a profile; False if it has no name."""
        if self.profiles:
            self.profiles.pop(profile, None)
        return bool(profile)

    async def reg_from_user(self, table: str = "", uri: str = "", mode: int = 0) -> bool:
        """Whether the request comes from where the user has registered (``match.FromOption``)."""
        profile = await self._all(table, uri or self._call.target)
        return profile is not None and comes_from(
            self._call.source.peer, profile.record.bindings, mode
        )

    async def _find(self, table: str, uri: str) -> Lookup:
        asked = _read(uri)
        if asked is None:
            return Lookup(LookupCode.FAILED, [], [])
        location = self._location
        table = table or location.settings.tables[0]
        options = lookup_options(self._call, location.registrar, table)
        return await location.lookup(asked, options)

    async def _all(self, table: str, uri: str) -> Profile | None:
        asked = _read(uri)
        if asked is None:
            return None
        expired = self._location.registrar.expired_contacts == "include"
        return await self._location.fetch(asked, table, expired=expired)

    def _take(self, found: Lookup, index: int) -> None:
        """Put the first branch found in the place of another, and the rest at the end."""
        first = found.branches[0]
        self._call.branches[index] = first
        self._append(found.branches[1:])
        show_bindings(
            self._call, self._location.registrar, [(found.bindings[0], first.expires_in or 0)]
        )

    def _append(self, branches: list[Branch]) -> None:
        for branch in branches:
            if not self._call.append_branch(branch):
                break


def _read(uri: str) -> Uri | None:
    try:
        return read_uri(uri)
    except MalformedHeader:
        return None


def _is_bare(branch: Branch) -> bool:
    return not (branch.next_hop or branch.path or branch.socket or branch.flags)
