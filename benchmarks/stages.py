"""Each pure step of one REGISTER, in this process, on the messages of the fleet.

``micro`` plays them in turns with all else that is small.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.phones import Fleet
from regcluster.config import Settings
from regcluster.location import ruid_source
from regcluster.registrar.answer import answer
from regcluster.registrar.plan import Change, Record, SavePlan, Verdict
from regcluster.registrar.save import Planner
from regcluster.sip.digest import digest
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.sip.reply import render_reply
from regcluster.store.codec import decode, encode_tail
from regcluster.store.connection import Arg, pack
from regcluster.store.endpoint import Endpoint
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.scripts import Scripts

NOW = 1_800_000_000_000
SETTINGS = Settings()


@dataclass(slots=True)
class Stage:
    """One step: what makes its inputs, anew for each round, and what is timed."""

    name: str
    inputs: Callable[[], Sequence[Any]]
    step: Callable[[Any], object]

    def play(self) -> float:
        """Time one round; µs an input."""
        inputs, step = self.inputs(), self.step
        begun = time.process_time()
        for item in inputs:
            step(item)
        return (time.process_time() - begun) / len(inputs) * 1e6


class _Packer:
    """A link that goes nowhere: packing is the last thing done before the socket."""

    problem = ""

    def nodes(self) -> Sequence[Endpoint]:
        return ()

    def call(self, *args: Arg) -> Any:
        pack(args)

    def send(self, args: tuple[Arg, ...], packed: bytes) -> Any:
        return None

    async def close(self) -> None: ...


def stages(messages: int) -> list[Stage]:
    """The steps of a refresh, in order, over so many messages a round."""
    data = Fleet(messages, 5060).registers(2)
    planner = Planner(
        SETTINGS.registrar, SETTINGS.location, ruid_source("0123456789ab"), random.random
    )
    scripts = Scripts(_Packer(), Keys(SETTINGS.store), SETTINGS.store)
    plans = [plan for plan in map(planner.plan, _requests(data)) if isinstance(plan, SavePlan)]
    stored = [_stored(plan, plan.changes[0]) for plan in plans]
    verdicts = [Verdict("refreshed", Record(NOW, [decode(*pair)])) for pair in stored]
    outcomes = list(zip(verdicts, plans, strict=True))
    replies = [answer(*outcome, SETTINGS.registrar) for outcome in outcomes]
    source = Hop("UDP", "127.0.0.1", 5060)
    return [
        Stage("parse", lambda: data, parse),
        Stage("plan", lambda: _requests(data), planner.plan),
        Stage("encode", lambda: plans, scripts.save),
        Stage("decode", lambda: stored, lambda pair: decode(*pair)),
        Stage("answer", lambda: outcomes, lambda it: answer(it[0], it[1], SETTINGS.registrar)),
        Stage(
            "render",
            lambda: list(zip(_requests(data), replies, strict=True)),
            lambda pair: render_reply(pair[0], pair[1], source),
        ),
    ]


def _requests(data: Sequence[bytes]) -> list[Request]:
    # A request reads its headers once, so each round needs new ones.
    return [message for message in map(parse, data) if isinstance(message, Request)]


def _stored(plan: SavePlan, change: Change) -> tuple[bytes, bytes]:
    """What the store gives back for ``change``."""
    head = b"1%013d%013d%013d%010d" % (NOW + change.lifetime * 1000, NOW, NOW, plan.cseq)
    tail = encode_tail(change, plan)
    names = (digest(plan.call_id) + change.ruid).encode()
    return text_bytes(change.key), head + names + tail
