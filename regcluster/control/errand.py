"""What an operator on the same machine asks of a running node, and what it answers.

One JSON line each way, over a Unix socket in the node's private folder; ``porter`` is the node's
end of it.
"""

import os
import socket
import tempfile
from pathlib import Path

import msgspec

from regcluster.control.overlay import Change, Overridden

RUN = Path("/run/regcluster")
"""Where the unit in ``deploy/systemd`` has systemd make a directory for a node that it starts."""

ROOT = 0
"""The user id that may command anybody's node."""

FOLDER = "regcluster-"
"""What the name of a node's folder begins with, in one of ``homes``."""

SOCKET = "control"
"""The socket in it."""


class Errand(msgspec.Struct, frozen=True):
    """What to change of the settings, by key, and nothing just to ask."""

    changes: dict[str, Change] = {}
    resets_all: bool = False
    """Whether to take away everything that was laid over before."""
    drains: bool = False
    """Whether the node is to end in order, as on SIGTERM."""


class Answer(msgspec.Struct, frozen=True):
    """Who answers, and what is laid over its settings; with ``problems``, nothing was changed."""

    node: str
    pid: int
    overridden: dict[str, Overridden]
    problems: list[str] = []


def home() -> Path:
    """Where a node that starts now has its folder: where systemd says, or among temporary files."""
    named = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(named or tempfile.gettempdir())


def homes() -> list[Path]:
    """Where nodes of this machine may have theirs."""
    # One that systemd has started has temporary files of its own, which nobody else sees.
    return list(dict.fromkeys([home(), RUN, Path(tempfile.gettempdir())]))


def ask(folder: Path, errand: Errand, timeout_s: float) -> Answer:
    """Send ``errand`` to the node whose folder this is. Raises ``OSError``: nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        connection.connect(str(folder / SOCKET))
        connection.sendall(msgspec.json.encode(errand) + b"\n")
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the node went away")
    return msgspec.json.decode(line, type=Answer)
