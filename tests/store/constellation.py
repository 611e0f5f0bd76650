"""A Cluster and a trio of Sentinels made of puppets: every word of theirs is a test's."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from regcluster.config import StoreSettings
from regcluster.store.cluster import ClusterLink
from regcluster.store.durable import Durability
from regcluster.store.keeper import TRY_S
from regcluster.store.keys import Keys
from regcluster.store.places import parse_place
from regcluster.store.routing import SLOTS, slot_of
from regcluster.store.schema import Schema
from regcluster.store.scripts import SOURCES
from tests.store.puppet import Command, Puppet, polite
from tests.store.wiring import LONG_S

Reply = int | bytes | None | Sequence["Reply"]

Turn = Callable[[Command], bytes | None]
"""What a puppet says to one command, in Redis's own spelling."""


def resp(value: Reply) -> bytes:
    """A reply as RESP2 spells it."""
    match value:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % value
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n%b" % (len(value), b"".join(map(resp, value)))


class Constellation:
    """Two primaries, each with half of the slots; ``words`` replace what one of them says."""

    def __init__(self, puppets: Sequence[Puppet]) -> None:
        self.puppets = puppets
        self.words: list[dict[bytes, bytes | Turn | None]] = [{} for _ in puppets]
        self.owners = list(range(len(puppets)))
        """Which puppet owns each share of the slots."""
        self.ids = [b"%040d" % number for number in range(len(puppets))]
        self.epoch = 1
        self.names: str | None = "127.0.0.1"
        self.behind: dict[int, tuple[list[int], int]] = {}
        """Owners and epoch as a puppet still has them that has not heard of the last change."""
        for number, puppet in enumerate(puppets):
            puppet.answer = self._answering(number)

    @property
    def url(self) -> str:
        """What ``store.url`` says."""
        hosts = ",".join(f"127.0.0.1:{puppet.port}" for puppet in self.puppets)
        return f"redis+cluster://{hosts}"

    def key(self, number: int, name: bytes = b"k") -> bytes:
        """A key in the share of the slots that is that puppet's at the start."""
        width = SLOTS // len(self.puppets)
        tags = (b"%d" % tag for tag in range(1000))
        tag = next(tag for tag in tags if slot_of(tag) // width == number)
        return b"rc:{%b}:%b" % (tag, name)

    def redirect(self, kind: bytes, number: int, key: bytes) -> bytes:
        """MOVED or ASK of the slot of ``key`` to that puppet."""
        slot = slot_of(key.partition(b"{")[2].partition(b"}")[0])
        return b"-%b %d 127.0.0.1:%d\r\n" % (kind, slot, self.puppets[number].port)

    def asked(self) -> int:
        """How often the slot map was asked for."""
        return sum(
            command[:2] == [b"CLUSTER", b"SLOTS"]
            for puppet in self.puppets
            for command in puppet.commands
        )

    def _answering(self, number: int) -> Turn:
        def answer(command: Command) -> bytes | None:
            words = self.words[number]
            if command[0] in words:
                word = words[command[0]]
                return word(command) if callable(word) else word
            owners, epoch = self.behind.get(number, (self.owners, self.epoch))
            match command[:2]:
                case [b"CLUSTER", b"INFO"]:
                    return resp(b"cluster_state:ok\r\ncluster_current_epoch:%d\r\n" % epoch)
                case [b"CLUSTER", b"SLOTS"]:
                    return resp(self._slots(owners))
                case [b"CLUSTER", b"NODES"]:
                    return resp(b"%b 127.0.0.1:1@2 myself,master - 0 0 1\n" % self.ids[number])
            return polite(command)

        return answer

    def _slots(self, owners: list[int]) -> list[Reply]:
        width = SLOTS // len(owners)
        name = self.names.encode() if self.names is not None else None
        return [
            [share * width, share * width + width - 1, [name, self.puppets[owner].port, id_]]
            for share, owner in enumerate(owners)
            if owner >= 0
            for id_ in [self.ids[owner]]
        ]


@asynccontextmanager
async def constellation(count: int = 2) -> AsyncIterator[Constellation]:
    """So many puppets that act as the primaries of one Cluster."""
    async with AsyncExitStack() as stack:
        puppets = [await stack.enter_async_context(Puppet()) for _ in range(count)]
        yield Constellation(puppets)


@asynccontextmanager
async def clustered(
    url: str,
    deadline_s: float = LONG_S,
    try_s: float = TRY_S,
    durability: Durability | None = None,
) -> AsyncIterator[ClusterLink]:
    """A link to the Cluster at ``url``, as a worker would make it."""
    settings = StoreSettings()
    place = parse_place(url)
    assert isinstance(place, tuple)
    schema = Schema(Keys(settings), settings)
    link = ClusterLink(place, deadline_s, schema, SOURCES, try_s, durability)
    try:
        yield link
    finally:
        await link.close()
