"""A node and a phone for scripts to meet: what a call is made of, without any socket."""

from dataclasses import dataclass, field

from fakeredis import FakeAsyncRedis, FakeServer

from regcluster.config import LocationSettings, RegistrarSettings, StoreSettings
from regcluster.location import Location, ruid_source
from regcluster.route.call import Call
from regcluster.sip.headers import Via
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.uri import SipUri
from regcluster.store.client import ClientLink
from regcluster.store.remote import RedisStore
from tests.test_location import read
from tests.wire import register

OURS = "192.0.2.9"


class Node:
    """A node at 192.0.2.9, which the world calls ``edge.example.test``; it has a TCP socket too."""

    node = "edge-1"
    is_ready = True

    def is_ours(self, uri: SipUri) -> bool:
        return uri.host in (OURS, "edge.example.test")

    def wrote(self, via: Via) -> bool:
        return via.host == OURS

    def advertised(self, local: Hop) -> Hop:
        return Hop(local.transport, "edge.example.test", local.port)

    def own_socket(self, text: str) -> Hop | None:
        return {f"tcp:{OURS}:5070": Hop("TCP", OURS, 5070)}.get(text)


@dataclass
class Peer:
    """A phone at 192.0.2.50 that speaks to our node over UDP."""

    transport: str = "UDP"
    peer: Hop = field(default_factory=lambda: Hop("UDP", "192.0.2.50", 5066))
    local: Hop = field(default_factory=lambda: Hop("UDP", OURS, 5060))
    token: str = ""


def call_of(request: Request, location: Location, peer: Peer | None = None) -> Call:
    """The call that a worker would make of a request."""
    return Call(request, peer or Peer(), location, Node())


def idle_call() -> Call:
    """A call for scripts that ask its registrar for nothing."""
    store = RedisStore(ClientLink(FakeAsyncRedis(server=FakeServer(), protocol=2)), StoreSettings())
    settings = RegistrarSettings(), LocationSettings()
    location = Location(store, *settings, ruid_source("test"), lambda: 0.0)
    return call_of(read(register()), location)
