"""What a service manager is told of a node: systemd, over the socket it names in NOTIFY_SOCKET.

The words are those of sd_notify(3). Where no manager asks to be told, nothing is sent. One that
cannot be told is logged: it would take the node for one that hangs.
"""

import os
import socket
import time
from collections.abc import Callable, MutableMapping, Sequence

import anyio

from regcluster.control.output import printable
from regcluster.errors import told
from regcluster.log import get_logger

logger = get_logger(__name__)

PATIENCE_S = 0.5
"""With a manager that does not read: as long as that the node stands still."""

SPARE_S = 5.0
"""What is asked for beyond the time in which a node has promised to end."""


class ServiceManager:
    """Listens at ``address``; empty: there is none. ``watchdog_s``: how long we may be silent."""

    def __init__(
        self,
        address: str,
        watchdog_s: float = 0.0,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        # A name that begins so is not one of a file (unix(7)).
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_s = watchdog_s
        self._monotonic_ns = monotonic_ns
        self._is_up = False
        self._is_stopping = False

    @classmethod
    def from_environ(cls, environ: MutableMapping[str, str]) -> "ServiceManager":
        """The one that started this process; it is taken out of ``environ``: no child is meant."""
        address = environ.pop("NOTIFY_SOCKET", "")
        interval = environ.pop("WATCHDOG_USEC", "")
        is_ours = environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(address, int(interval) / 1_000_000 if interval.isdecimal() and is_ours else 0.0)

    def tell(self, problems: Sequence[str], *, is_up: bool) -> None:
        """What the node's health is; the first time it ``is_up``, that it has started."""
        words = [f"STATUS={printable('; '.join(problems) or 'ready')}"]
        if is_up and not self._is_up:
            words.append("READY=1")
            self._is_up = True
        self._send(words)

    def tell_reload(self) -> None:
        """Settings are read again; ``tell_reloaded`` is to follow."""
        if self._is_up and not self._is_stopping:
            self._send(["RELOADING=1", f"MONOTONIC_USEC={self._monotonic_ns() // 1000}"])

    def tell_reloaded(self) -> None:
        """Whatever came of it, the node goes on."""
        if self._is_up and not self._is_stopping:
            self._send(["READY=1"])

    def tell_end(self, within_s: float) -> None:
        """The node ends ``within_s`` seconds, which its unit may not know of."""
        self._is_stopping = True
        usec = int((within_s + SPARE_S) * 1_000_000)
        self._send(["STOPPING=1", f"EXTEND_TIMEOUT_USEC={usec}"])

    async def watch(self) -> None:
        """Show as often as is asked for that our event loop turns, until cancelled."""
        while self._watchdog_s:
            self._send(["WATCHDOG=1"])
            await anyio.sleep(self._watchdog_s / 2)

    def _send(self, words: Sequence[str]) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
                # One that is busy has room again soon; a word that is lost is not said again.
                ours.settimeout(PATIENCE_S)
                ours.sendto("\n".join(words).encode(), self._address)
        except OSError as why:
            logger.warning("service manager not told", problem=told(why))
