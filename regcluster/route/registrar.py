"""The registrar as a script sees it: Kamailio's functions, bound to one request."""

from dataclasses import dataclass

from regcluster.location import Location, Lookup
from regcluster.registrar.codes import LookupCode, SaveCode
from regcluster.registrar.options import PLAIN_LOOKUP
from regcluster.route.exchange import MAX_BRANCHES, Exchange
from regcluster.sip.reply import Reply


@dataclass(slots=True)
class SaveResult:
    """What a save did, and whether the request has its reply now."""

    code: SaveCode
    reply: Reply
    is_replied: bool


class RegistrarFace:
    """The registrar's functions, bound to one call."""

    __slots__ = ("_call", "_location")

    def __init__(self, call: Exchange, location: Location) -> None:
        self._call = call
        self._location = location

    async def save(self) -> SaveResult:
        """Process the request as a REGISTER and reply to it; the reply is returned too."""
        saved = await self._location.save(self._call.request)
        self._call.answer(saved.reply)
        return SaveResult(saved.code, saved.reply, True)

    async def lookup(self) -> LookupCode:
        """Write the contacts of the user in the Request-URI over the branches, best first."""
        found = await self._location.lookup(self._call.uri, PLAIN_LOOKUP)
        if found.code:
            self._take(found)
        return found.code

    def _take(self, found: Lookup) -> None:
        branches = self._call.branches
        branches[0] = found.branches[0]
        branches += found.branches[1 : 1 + MAX_BRANCHES - len(branches)]
