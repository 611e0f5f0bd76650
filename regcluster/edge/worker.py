"""What a worker does with one message: parse, route, perform the effects.

``receive`` is called by the sockets, once a datagram or framed message. It never raises and never
drops uncounted: junk is counted and dropped, a malformed request is answered when it can be, and
past the bound on work in flight a request is refused with 503 (RFC 3261 §21.5.4). A request that
is let in gets one final answer, whatever becomes of the script and the store.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

from regcluster import metrics
from regcluster.config import LimitSettings
from regcluster.edge.flow import Flow
from regcluster.edge.identity import Identity
from regcluster.edge.outbound import Outbound
from regcluster.edge.overload import retry_after
from regcluster.errors import SipError, StoreError, StoreUnavailable
from regcluster.location import Location
from regcluster.log import QUIET_S, Quiet, get_logger
from regcluster.proxy.forward import strip_route
from regcluster.route.call import Call, Effect, Forward, Route
from regcluster.sip.hop import reply_hop
from regcluster.sip.message import Request
from regcluster.sip.parser import BadRequest, is_keepalive, parse
from regcluster.sip.reply import REASONS, Reply, render_reply
from regcluster.sip.stun import answer_stun

LAST_WORDS_S: Final = 0.1
"""The longest a request may take to end once it is cancelled; a turn of the loop is usual."""

log = get_logger(__name__)


class Worker:
    """One event loop's share of the node: takes messages from its sockets, gives back bytes.

    Call ``receive`` and ``bad_message`` from the sockets' callbacks, ``apply`` when settings have
    changed, ``drain`` once, at the end.
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
        self._bound = limits.in_flight
        self._quiet = Quiet(QUIET_S)
        self._loop = asyncio.get_running_loop()
        self._serving: dict[Call, asyncio.Task[None]] = {}
        """The task of each request in flight; the loop itself holds tasks weakly only."""

    @property
    def in_flight(self) -> int:
        """Requests being worked on now."""
        return len(self._serving)

    def apply(self, route: Route, limits: LimitSettings) -> None:
        """Use a new script and new bounds from the next message on."""
        self._route = route
        self._limits = limits
        self._bound = limits.in_flight

    def receive(self, data: bytes, flow: Flow) -> None:
        """Take one datagram or one framed message."""
        try:
            self._take(data, flow)
        except Exception:
            # The sockets go on, whatever it was; without a request there is nobody to answer.
            self._count_failure(metrics.OTHER)

    def bad_message(self, broken: SipError, flow: Flow) -> None:
        """Answer a message that cannot be read, if there is anybody to answer; count it."""
        if isinstance(broken, BadRequest):
            metrics.count_request(broken.request.method, flow.transport)
            self._answer(broken.request, Reply(broken.status, broken.reason, []), flow)
        else:
            metrics.drop("malformed")

    async def drain(self, within: float) -> bool:
        """Wait up to ``within`` seconds for work in flight; whether all of it ended by itself.

        What comes after this on connections that are still open is refused, and what has not ended
        in time is ended: both are answered 503.
        """
        self._bound = 0
        if not self._serving:
            return True
        _, late = await asyncio.wait(self._serving.values(), timeout=within)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_WORDS_S)
        # One that somebody has cancelled before it began could not take itself off.
        self._serving = {call: task for call, task in self._serving.items() if not task.done()}
        return not late

    def _take(self, data: bytes, flow: Flow) -> None:
        transport = flow.transport
        if transport == "UDP" and is_keepalive(data):
            metrics.count_keepalive("UDP")
            return
        try:
            message = parse(data, stream=transport != "UDP")
        except SipError as broken:
            # Asked for only now: what is SIP need not wait for it.
            if transport == "UDP" and (pong := answer_stun(data, flow.peer)):
                metrics.count_keepalive("UDP")
                flow.send(pong)
                return
            self.bad_message(broken, flow)
            return
        if isinstance(message, Request):
            metrics.count_request(message.method, transport)
            self._admit(message, flow)
        elif reason := self._outbound.respond(message):
            metrics.drop(reason)

    def _admit(self, request: Request, flow: Flow) -> None:
        if len(self._serving) >= self._bound:
            metrics.count_shed()
            self._answer(request, self._unavailable(), flow)
            return
        call = Call(request, flow, self._location, self._identity)
        serving = self._serve(call, flow, perf_counter())
        # Not by create_task: uvloop's has a name made for each, with a number in it.
        self._serving[call] = asyncio.Task(serving, loop=self._loop, name="request")

    async def _serve(self, call: Call, flow: Flow, started: float) -> None:
        request = call.request
        try:
            try:
                if request.method != "REGISTER" and request.first("route") is not None:
                    request = call.request = strip_route(request, self._identity.is_ours)
                await self._route(call)
                if way := self._perform(request, call.effects, flow):
                    await self._forward(request, way, flow)
            except SipError as broken:
                self._answer(request, Reply(broken.status, broken.reason, []), flow)
            except StoreUnavailable:
                self._answer(request, self._unavailable(), flow)
            except StoreError:
                # It refuses us: another node may do better, and somebody has to look into it.
                self._answer(request, self._unavailable(), flow)
                self._count_failure(request.method)
        except asyncio.CancelledError:
            self._answer(request, self._unavailable(), flow)
            raise
        except Exception:
            # A script or a rule of ours broke: its caller gets a 500, nobody else notices.
            self._answer(request, Reply(500, REASONS[500], []), flow)
            self._count_failure(request.method)
        finally:
            del self._serving[call]
        metrics.observe_request(request.method, perf_counter() - started)

    def _perform(self, request: Request, effects: list[Effect], flow: Flow) -> Forward | None:
        """Answer as the script wants it; the way to send the request on, if that is how it ends."""
        way, is_settled = None, False
        for effect in effects:
            if is_settled:
                # RFC 3261 §17.2: one request, one final response.
                metrics.drop("second_effect")
            elif isinstance(effect, Forward):
                way, is_settled = effect, True
            else:
                self._answer(request, effect, flow)
                is_settled = effect.status >= 200
        if not effects:
            metrics.drop("ack" if request.method == "ACK" else "no_effect")
        return way

    async def _forward(self, request: Request, way: Forward, flow: Flow) -> None:
        if reply := await self._outbound.forward(request, way, flow):
            self._answer(request, reply, flow)

    def _answer(self, request: Request, reply: Reply, flow: Flow) -> None:
        if request.method == "ACK":
            metrics.drop("ack")  # RFC 3261 §17: an ACK is never answered.
            return
        if not 100 <= reply.status <= 699:
            # It would make a message that is none, and a label nobody foresaw.
            raise ValueError(f"there is no status {reply.status}")
        peer, transport = flow.peer, flow.transport
        data = render_reply(request, reply, peer)
        hop = reply_hop(request.via, peer) if transport == "UDP" else None
        if flow.send(data, hop):
            metrics.count_response(request.method, transport, reply.status)
        else:
            metrics.drop("send_failed")

    def _unavailable(self) -> Reply:
        seconds = retry_after(self._limits.retry_after_s, self._spread)
        return Reply(503, REASONS[503], [("Retry-After", str(seconds))])

    def _count_failure(self, method: str) -> None:
        """Count the error being handled; log it unless that was done a moment ago."""
        metrics.count_failure()
        if failures := self._quiet.take(perf_counter()):
            # Nothing of the peer's own words: a method can be 60 kB of anything.
            known = metrics.known_method(method)
            log.exception("request failed", method=known, failures=failures)
