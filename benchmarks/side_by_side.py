"""CPU per REGISTER: a node and its store beside Kamailio's registrar, on the same messages.

The contestants take turns, round by round, so that a change in the machine's mood meets all of
them. In the first round every phone is new, afterwards each round refreshes all of them. A fixed
number of requests is under way at a time, which is how a busy balancer looks from here.
"""

import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from benchmarks.contestants import Contestant, has_kamailio, kamailio, regcluster
from benchmarks.phones import Fleet
from benchmarks.processes import cpu_us
from benchmarks.progress import Progress
from tests.peer.processes import HOST

WINDOW = 64
"""REGISTERs without an answer at any time, at most."""

ANSWER_S = 5.0


@dataclass(slots=True)
class Row:
    """What one contestant spent, µs of CPU per REGISTER, by round."""

    name: str
    parts: dict[str, list[float]] = field(default_factory=dict)
    """By process: node, store."""

    def cost(self, first: int, last: int) -> float:
        """The mean of rounds ``first`` to ``last``, counted from 1, of all its processes."""
        return sum(mean(rounds[first - 1 : last]) for rounds in self.parts.values())


def entries(folder: Path, checkout: Path | None) -> list[AbstractContextManager[Contestant]]:
    """Whoever is there, in the order of the table: Kamailio last, if it is installed."""
    found: list[AbstractContextManager[Contestant]] = [regcluster(folder / "memory")]
    if checkout:
        found.append(regcluster(folder / "checkout", checkout=checkout))
    found.append(regcluster(folder / "file", append_only=True))
    if has_kamailio():
        found.append(kamailio(folder / "kamailio"))
    return found


def compare(
    entries: Sequence[AbstractContextManager[Contestant]],
    phones: int,
    rounds: int,
    progress: Progress,
) -> list[Row]:
    """Start all, play all rounds in turns, and end all."""
    with ExitStack() as stack:
        contestants = [stack.enter_context(entry) for entry in entries]
        rows = [Row(contestant.name) for contestant in contestants]
        clients = [
            stack.enter_context(closing(Client(contestant, phones))) for contestant in contestants
        ]
        for round_ in range(1, rounds + 1):
            for row, client in zip(rows, clients, strict=True):
                for part, cost in client.play(round_).items():
                    row.parts.setdefault(part, []).append(cost)
                progress.step()
    return rows


def report(rows: list[Row], rounds: int) -> str:
    """The figures as a table, each as a multiple of the last row's too."""
    last = rows[-1]
    spans = {"new": (1, 1), "refresh": (2, rounds), "all": (1, rounds)}
    lines = [f"{'CPU per REGISTER, µs':32}" + "".join(f"{name:>17}" for name in spans)]
    for row in rows:
        cells = []
        for span in spans.values():
            cost = row.cost(*span)
            cells.append(f"{cost:9.1f} {cost / last.cost(*span):5.2f} x")
        lines.append(f"{row.name:32}" + "".join(f"{cell:>17}" for cell in cells))
        if len(row.parts) > 1:
            for part in row.parts:
                costs = [mean(row.parts[part][first - 1 : end]) for first, end in spans.values()]
                lines.append(f"  {part:30}" + "".join(f"{cost:9.1f}        " for cost in costs))
    return "\n".join(lines)


class Client:
    """Plays rounds of a fleet's REGISTERs to one contestant, until it is closed."""

    def __init__(self, contestant: Contestant, phones: int) -> None:
        self._contestant = contestant
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.settimeout(ANSWER_S)
        self._socket.bind((HOST, 0))
        self._socket.connect((HOST, contestant.port))
        self.port: int = self._socket.getsockname()[1]
        self._fleet = Fleet(phones, self.port)

    def close(self) -> None:
        """Play no more."""
        self._socket.close()

    def play(self, round_: int) -> dict[str, float]:
        """Send one REGISTER of each phone; µs per REGISTER, by process.

        Raises ``RuntimeError`` if any is not answered 200, and ``TimeoutError``.
        """
        return self.ask(self._fleet.registers(round_), b"200")

    def ask(self, messages: Sequence[bytes], status: bytes) -> dict[str, float]:
        """Send ``messages``; µs per message, by process.

        Raises ``RuntimeError`` if any is not answered ``status``, and ``TimeoutError``.
        """
        roots = self._contestant.roots
        before = {part: cpu_us([pid]) for part, pid in roots.items()}
        sent = answered = 0
        while answered < len(messages):
            while sent < len(messages) and sent - answered < WINDOW:
                self._socket.send(messages[sent])
                sent += 1
            answer = self._socket.recv(65535)
            if not answer.startswith(b"SIP/2.0 %b " % status):
                raise RuntimeError(f"{self._contestant.name} answered {answer[:40]!r}")
            answered += 1
        return {part: (cpu_us([pid]) - before[part]) / len(messages) for part, pid in roots.items()}
