"""Plays histories to a pair of programs and collects the complaints."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tests import wire
from tests.peer.differential.client import Client
from tests.peer.differential.compare import complaints, unexpected
from tests.peer.differential.outcome import TOLD, Known, outcome
from tests.peer.differential.sequence import USER, History, Seen, Step
from tests.wire import Rows

AGAIN_S = 0.1
UNTIL_S = 20.0

Who = Literal["peer", "ours"]


class Program(Protocol):
    """What is asked."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it takes SIP."""


@dataclass(slots=True)
class Side:
    """One of the two, and what it gave during a history."""

    name: Who
    server: tuple[str, int]
    known: Known = field(default_factory=Known)


@dataclass(slots=True)
class Player:
    """Asks ``peer`` and ``ours`` the same; without ``ours`` the peer alone."""

    client: Client
    peer: Program
    ours: Program | None
    advertised: str = ""
    _branches: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def play(self, history: History, user: str) -> list[str]:
        """What is wrong with a history, each with the step it happened at."""
        sides = [Side("peer", self.peer.address)]
        if self.ours:
            sides.append(Side("ours", self.ours.address))
        found: list[str] = []
        for number, step in enumerate(history.steps, 1):
            later_than(time.time_ns() // 1_000_000)
            asked = [side for side in sides if step.on in ("both", side.name)]
            seen = {side.name: self._ask(side, step, number, user) for side in asked}
            where = f"{history.name}, step {number} ({step.do})"
            found += [f"{where}: {text}" for text in self._judge(step, seen, user)]
        return found

    def _judge(self, step: Step, seen: dict[Who, Seen], user: str) -> list[str]:
        def fill(text: str) -> str:
            return text.replace("{user}", user)

        if len(seen) == 2:
            return complaints(step, seen["peer"], seen["ours"], fill)
        found = []
        for name, one in seen.items():
            expected = [step.expect] if step.on == "both" or step.on == name else []
            expected += [getattr(reason, name) for reason in step.differs]
            for seen_as in expected:
                found += [f"{name}: {text}" for text in unexpected(seen_as, one, fill)]
        return found

    def _ask(self, side: Side, step: Step, number: int, user: str) -> Seen:
        deadline = time.monotonic() + UNTIL_S
        while True:
            seen = self._ask_once(side, step, number, user)
            missing = unexpected(step.until, seen)
            if not missing:
                return seen
            assert time.monotonic() < deadline, f"{side.name}, {step.do}: {missing}"
            time.sleep(AGAIN_S)

    def _ask_once(self, side: Side, step: Step, number: int, user: str) -> Seen:
        if step.do == "hang_up":
            self.client.hang_up(side.server)
            return {}
        names = {
            "{user}": user,
            "{here}": f"{side.server[0]}:{side.server[1]}",
            "{client}": self.client.address,
            "{phone}": self.client.phone,
            **side.known.texts,
        }
        data = self._request(step, number, names).encode(errors="surrogateescape")
        places = {names["{here}"]: "HERE", names["{client}"]: "CLIENT", names["{phone}"]: "PHONE"}
        if self.advertised:
            places[f"{self.advertised}:{side.server[1]}"] = "THERE"
        if temporary := side.known.texts.get("{temp}"):
            places[temporary] = "TEMP"
        if step.do.startswith("relay"):
            return relayed(self.client.relayed(data, side.server), places)
        ends = TOLD if side.name == "peer" else 0
        if step.transport == "tcp":
            places[self.client.stream_address(side.server)] = "STREAM"
            messages = self.client.ask_stream(data, side.server, ends=ends)
        else:
            messages = self.client.ask(data, side.server, ends=ends)
        side.known.learn(messages)
        return outcome(messages, places, step.spread)

    def _request(self, step: Step, number: int, names: dict[str, str]) -> str:
        rows = dict(step.rows)
        via = f"SIP/2.0/{step.transport.upper()} {self.client.address}"
        via += f";branch=z9hG4bK{next(self._branches)};rport"
        more = rows.pop("vias", None) or []
        assert isinstance(more, list)
        cseq = rows.pop("cseq", number)
        all_rows: dict[str, Rows] = {
            "via": [via, *more],
            "max_forwards": 70,
            "from_": f"{USER};tag=1",
            "to": USER,
            "call_id": "{user}-c1",
            "cseq": f"{cseq} {step.method}",
            "x_do": step.do,
            **rows,
        }
        first = f"{step.method} {step.target} SIP/2.0"
        text = wire.message(first, all_rows).decode(errors="surrogateescape")
        for name, value in names.items():
            text = text.replace(name, value)
        return text


def later_than(millisecond: int) -> None:
    """Return in the next one: the store's clock cannot tell what comes first within one."""
    while time.time_ns() // 1_000_000 <= millisecond:
        time.sleep(0.0002)


def relayed(rows: list[str], places: dict[str, str]) -> Seen:
    """What a phone was sent: the Request-URI, the way, and a header that a script added."""
    found = [rows[0].split(" ")[1]]
    found += [row for row in rows if row.lower().startswith(("route:", "x-sock:"))]
    for place, name in places.items():
        found = [row.replace(place, name) for row in found]
    return {"relayed": found}
