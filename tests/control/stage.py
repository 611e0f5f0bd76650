"""A stage for supervisors: workers that play a part.

A real worker takes a third of a second to start. This file, run as a program, is one that says on
its end of the channel what its part asks for, and nothing else; it starts in no time.
"""

import json
import os
import signal
import socket
import sys
import time
from typing import BinaryIO

PARTS = {
    "good": "says the log level, unless it is info, as its store's problem; ends when drained. "
    "It says in the same place that it has been told to leave. "
    "It does not quite take up the level error",
    "torn": "has a problem with its store in the first place; comes late in the second",
    "brief": "is told one thing more, and ends",
    "slow": "takes a while over ending",
    "deaf": "says its process id as its store's problem, again and again; obeys nothing",
    "mute": "is ready, says nothing more, and does not even see that it is alone",
    "silent": "does not say that it is ready",
    "quits": "ends at once",
    "fatal": "says that it cannot start",
}

FATAL = "cannot listen on 192.0.2.1:5060: no such luck"

REFUSAL = "no script of that name"

LEAVING = "leaving"

LIFE_S = 30
"""After that the play is over, whatever became of the test."""

SLOWNESS_S = 0.15
PULSE_S = 0.02


def command(part: str) -> list[str]:
    """Starts a worker that plays ``part``; to be followed by the number of its end."""
    assert part in PARTS
    return [sys.executable, "-S", "-E", __file__, part]


class Actor:
    """A worker at ``end`` of a channel."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._orders: BinaryIO = end.makefile("rb")

    def play(self, part: str) -> None:
        """Be told to start, and then do what ``part`` asks for."""
        start = self._orders.readline()
        if part != "quits" and start:
            told = json.loads(start)
            self._level = told["settings"]["log"]["level"]
            self._place = told["worker"]
            getattr(self, part)()

    def good(self, slowness_s: float = 0.0) -> None:
        self._begin()
        for line in self._orders:
            order = json.loads(line)
            if order["type"] == "drain":
                time.sleep(slowness_s)
                return
            if order["type"] == "leave":
                self._say("status", store_problem=LEAVING)
                continue
            self._level = order["settings"]["log"]["level"]
            self._say_level()
            self._say("applied", problem=REFUSAL if self._level == "error" else "")

    def torn(self) -> None:
        if self._place % 2:
            time.sleep(SLOWNESS_S)
        else:
            self._level = "torn"
        self.good()

    def brief(self) -> None:
        self._begin()
        self._orders.readline()

    def slow(self) -> None:
        self.good(SLOWNESS_S)

    def deaf(self) -> None:
        self._say("ready")
        while True:
            self._say("status", store_problem=str(os.getpid()))
            time.sleep(PULSE_S)

    def mute(self) -> None:
        self._say("ready")
        signal.pause()

    def silent(self) -> None:
        signal.pause()

    def fatal(self) -> None:
        self._say("fatal", problem=FATAL)
        self._orders.readline()

    def _begin(self) -> None:
        self._say("ready")
        self._say_level()

    def _say_level(self) -> None:
        self._say("status", store_problem="" if self._level == "info" else self._level)

    def _say(self, kind: str, **more: str) -> None:
        self._end.sendall(json.dumps({"type": kind, **more}).encode() + b"\n")


if __name__ == "__main__":
    signal.alarm(LIFE_S)
    Actor(socket.socket(fileno=int(sys.argv[2]))).play(sys.argv[1])
