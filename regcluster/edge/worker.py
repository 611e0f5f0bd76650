"""What a worker does with one message: parse, route, perform the effects.

``receive`` is called by the sockets, once a datagram or framed message. It never raises and never
drops uncounted: junk is counted and dropped, a malformed request is answered when it can be, and
past the bound on work in flight a request is refused with 503 (RFC 3261 §21.5.4).
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

from regcluster import metrics
from regcluster.config import LimitSettings
from regcluster.edge.flow import Flow
from regcluster.edge.identity import Identity
from regcluster.edge.outbound import Outbound
from regcluster.edge.overload import Admission, retry_after
from regcluster.errors import SipError, StoreUnavailable
from regcluster.location import Location
from regcluster.log import get_logger
from regcluster.proxy.forward import strip_route
from regcluster.route.call import Call, Effect, Forward, Route
from regcluster.sip.hop import reply_hop
from regcluster.sip.message import Request
from regcluster.sip.parser import BadRequest, is_keepalive, parse
from regcluster.sip.reply import REASONS, Reply, render_reply

log = get_logger(__name__)


class Worker:
    """One event loop's share of the node: takes messages from its sockets, gives back bytes.

    Call ``receive`` and ``bad_stream`` from the sockets' callbacks, ``apply`` when settings have
    changed, ``drain`` once, when no new messages will come.
    """

    def __init__(
        self,
        location: Location,
        route: Route,
        outbound: Outbound,
        limits: LimitSettings,
        spread: Callable[[], float],
    ) -> None:
        self._location = location
        self._route = route
        self._outbound = outbound
        self._identity: Identity = outbound.identity
        self._limits = limits
        self._spread = spread
        self._admission = Admission(limits.in_flight)
        self._loop = asyncio.get_running_loop()
        # The loop itself holds tasks weakly only.
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests being worked on now."""
        return self._admission.in_flight

    def apply(self, route: Route, limits: LimitSettings) -> None:
        """Use a new script and new bounds from the next message on."""
        self._route = route
        self._limits = limits
        self._admission.limit = limits.in_flight

    def receive(self, data: bytes, flow: Flow) -> None:
        """Take one datagram or one framed message."""
        if flow.transport == "UDP" and is_keepalive(data):
            metrics.count_keepalive("UDP")
            return
        try:
            message = parse(data, stream=flow.transport != "UDP")
        except SipError as broken:
            self.bad_message(broken, flow)
            return
        if isinstance(message, Request):
            metrics.count_request(message.method, flow.transport)
            self._admit(message, flow)
        elif reason := self._outbound.respond(message):
            metrics.drop(reason)

    def bad_message(self, broken: SipError, flow: Flow) -> None:
        """Answer a message that cannot be read, if there is anybody to answer; count it."""
        if isinstance(broken, BadRequest):
            metrics.count_request(broken.request.method, flow.transport)
            self._answer(broken.request, Reply(broken.status, broken.reason, []), flow)
        else:
            metrics.drop("malformed")

    async def drain(self, within: float) -> bool:
        """Wait up to ``within`` seconds for work in flight; whether all of it ended."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        return not self._tasks

    def _admit(self, request: Request, flow: Flow) -> None:
        if not self._admission.try_enter():
            metrics.count_shed()
            self._answer(request, self._unavailable(), flow)
            return
        task = self._loop.create_task(self._serve(request, flow))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, request: Request, flow: Flow) -> None:
        started = perf_counter()
        try:
            await self._run(request, flow)
        except SipError as broken:
            self._answer(request, Reply(broken.status, broken.reason, []), flow)
        except StoreUnavailable:
            self._answer(request, self._unavailable(), flow)
        except Exception:
            # A script or a rule of ours broke: its caller gets a 500, nobody else notices.
            metrics.count_failure()
            log.exception("request failed", method=request.method)
            self._answer(request, Reply(500, REASONS[500], []), flow)
        finally:
            self._admission.leave()
            if request.method == "REGISTER":
                metrics.observe_register(perf_counter() - started)

    async def _run(self, request: Request, flow: Flow) -> None:
        if request.method != "REGISTER" and request.first("route") is not None:
            request = strip_route(request, self._identity.is_ours)
        call = Call(request, self._location, self._identity)
        await self._route(call)
        for effect in call.effects:
            await self._perform(effect, request, flow)
        if not call.effects:
            metrics.drop("no_effect")

    async def _perform(self, effect: Effect, request: Request, flow: Flow) -> None:
        if not isinstance(effect, Forward):
            self._answer(request, effect, flow)
        elif not await self._outbound.forward(request, effect.target, flow):
            # RFC 3261 §16.9: a transport failure is a 503 of that branch, a 500 upstream.
            self._answer(request, Reply(500, "Contact Unreachable", []), flow)

    def _answer(self, request: Request, reply: Reply, flow: Flow) -> None:
        if request.method == "ACK":
            metrics.drop("ack")  # RFC 3261 §17: an ACK is never answered.
            return
        data = render_reply(request, reply, flow.peer)
        hop = None
        if flow.transport == "UDP":
            hop = reply_hop(request.via, flow.peer)
        if flow.send(data, hop):
            metrics.count_response(request.method, flow.transport, reply.status)
        else:
            metrics.drop("send_failed")

    def _unavailable(self) -> Reply:
        seconds = retry_after(self._limits.retry_after_s, self._spread)
        return Reply(503, REASONS[503], [("Retry-After", str(seconds))])
