"""A bench for route scripts: the script, a location service and a store in memory.

What happens between a script and the worker happens here too, short of sending: a request is
parsed, the script runs, and its effects are kept. What the script raises, the test sees.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from regcluster.config.reader import load
from regcluster.errors import ScriptError
from regcluster.location import Location, Node, ruid_source
from regcluster.proxy.forward import strip_route
from regcluster.registrar.gruu import NONCE_OCTETS, TemporaryGruus
from regcluster.route.call import Call, Effect, Forward, Route
from regcluster.route.loader import load_script
from regcluster.sip.headers import Via
from regcluster.sip.hop import Hop, default_port
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import parse
from regcluster.sip.reply import Reply, render_reply
from regcluster.sip.uri import SipUri, parse_port, split_hostport
from regcluster.store.client import ClientLink
from regcluster.store.remote import RedisStore

HERE = "192.0.2.1"
"""The address of the node that the script believes to run on, port 5060."""

Settings = Mapping[str, object]


class ScriptBench:
    """Runs ``script``, a file or a coroutine function; use it with ``async with``.

    ``registrar``, ``location`` and ``routing`` are settings by name, over those of ``file`` if one
    is named. Whoever sends to it is where the topmost Via says, unless ``send`` is told otherwise.
    """

    def __init__(
        self,
        script: str | Path | Route,
        file: str | Path | None = None,
        *,
        registrar: Settings | None = None,
        location: Settings | None = None,
        routing: Settings | None = None,
    ) -> None:
        given = {"registrar": registrar, "location": location, "routing": routing}
        overrides = [
            f"{section}.{name}={_as_text(value)}"
            for section, values in given.items()
            for name, value in (values or {}).items()
        ]
        self.settings = load(Path(file) if file else None, {}, overrides).settings
        self._route = self._loaded(script)
        self._server, client = _memory()
        store = RedisStore(ClientLink(client), self.settings.store)
        self._store = store
        self._here = _Here()
        gruus = TemporaryGruus(lambda: store.secret, lambda: secrets.token_bytes(NONCE_OCTETS))
        self.location = Location(
            store,
            self.settings.registrar,
            self.settings.location,
            ruid_source("test"),
            lambda: 0.0,
            Node(self._here.is_ours, gruus=gruus),
        )
        self.location.apply(self.settings.registrar, self.settings.location, self.settings.routing)
        self.call: Call | None = None
        """The call that the last request was."""

    async def __aenter__(self) -> Self:
        await self._store.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._store.close()

    @property
    def effects(self) -> list[Effect]:
        """What the script wanted done about the last request, in order."""
        return self.call.effects if self.call else []

    @property
    def forwarded(self) -> list[Forward]:
        """Those of the effects that send the request on."""
        return [effect for effect in self.effects if isinstance(effect, Forward)]

    async def send(self, data: bytes, source: str = "") -> Response | None:
        """The final response that the sender gets; None if the script gave none.

        ``source``, ``host:port``, is where ``data`` comes from in place of its Via: from behind a
        NAT, for example. What the script raises is raised here.
        """
        request = parse(data)
        if not isinstance(request, Request):
            raise ValueError("a script is for requests")
        flow = _flow(request, source)
        if request.method != "REGISTER":
            request = strip_route(request, self._here.is_ours)
        self.call = Call(request, flow, self.location, self._here)
        await self._route(self.call)
        for effect in self.effects:
            if isinstance(effect, Forward):
                return None
            if effect.status >= 200:
                return _response(request, effect, flow.peer)
        return None

    def stop_store(self) -> None:
        """From now on the store does not answer."""
        self._server.connected = False

    def start_store(self) -> None:
        """From now on the store answers again."""
        self._server.connected = True

    def _loaded(self, script: str | Path | Route) -> Route:
        if isinstance(script, str | Path):
            return load_script(script, self.settings.registrar.event_callback).route
        return script


class _Here:
    """The node at ``HERE``."""

    node = "bench"
    is_ready = True

    def is_ours(self, uri: SipUri) -> bool:
        """Whether a SIP URI names this node."""
        return uri.host == HERE and (uri.port or default_port("UDP")) == default_port("UDP")

    def wrote(self, via: Via) -> bool:
        """Whether a Via is one of this node's."""
        return via.host == HERE

    def advertised(self, local: Hop) -> Hop:
        """How the world calls ``local``."""
        return local

    def own_socket(self, text: str) -> Hop | None:
        """The socket of this node that ``text`` names."""
        transport, _, rest = text.partition(":")
        hop = Hop(transport.upper(), HERE, default_port(transport.upper()))
        return hop if rest == hop.render() else None


class _Flow:
    """The way a request came by."""

    def __init__(self, transport: str, peer: Hop) -> None:
        self.transport = transport
        self.peer = peer
        self.local = Hop(transport, HERE, default_port(transport))
        self.token = "" if transport == "UDP" else f"0.test.{peer.port}"


def _flow(request: Request, source: str) -> _Flow:
    via = request.via
    host, port = via.host, via.port
    if source:
        host, digits = split_hostport(source)
        port = parse_port(digits) if digits else None
    hop = Hop(via.transport, host.strip("[]"), port or default_port(via.transport))
    return _Flow(via.transport, hop)


def _response(request: Request, reply: Reply, source: Hop) -> Response:
    """``reply`` as its receiver reads it."""
    response = parse(render_reply(request, reply, source))
    assert isinstance(response, Response), "we render what we can parse"
    return response


def _memory() -> tuple[Any, Any]:
    """A server in memory and a client of it."""
    try:
        from fakeredis import FakeAsyncRedis, FakeServer
    except ImportError as missing:
        raise ScriptError(
            "the test kit keeps bindings in fakeredis: pip install 'regcluster[testing]'"
        ) from missing
    server = FakeServer()
    return server, FakeAsyncRedis(server=server, protocol=2)


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
