"""Debian's Kamailio with the script ``kamailio.cfg`` and the parameters of one group."""

import time
from collections.abc import Mapping
from pathlib import Path

from tests.peer.processes import HOST, end, free_port, start, wait_until

SCRIPT = Path(__file__).parent / "kamailio.cfg"
START_S = 20.0

FLAGS = (0, 1, 2, 4, 6, 8, 18)
"""The values of save's flags that histories use: the script has a line for each."""

Parameters = Mapping[str, Mapping[str, str | int]]
"""By module."""


class Kamailio:
    """One running Kamailio, which keeps its bindings in memory."""

    def __init__(
        self, program: str, folder: Path, parameters: Parameters, advertise: str = ""
    ) -> None:
        self.port = free_port()
        self._log = folder / f"kamailio-{self.port}.log"
        file = folder / f"kamailio-{self.port}.cfg"
        file.write_text(script(parameters))
        command = [program, "-DD", "-E", "-f", str(file), "-m", "32", "-Y", str(folder)]
        outside = f"/{advertise}:{self.port}" if advertise else ""
        for transport in ("udp", "tcp"):
            command += ["-l", f"{transport}:{HOST}:{self.port}{outside}"]
        self._process = start(
            [*command, "-P", str(folder / f"kamailio-{self.port}.pid")], self._log
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where it takes SIP, over UDP and TCP."""
        return (HOST, self.port)

    def wait(self) -> None:
        """Return once it listens."""
        wait_until(self._is_bound, START_S, "Kamailio listens")

    def stop(self) -> None:
        """End it and all its processes."""
        end(self._process, 5.0)

    def refuses(self) -> str:
        """The log of a Kamailio that will not start with its parameters."""
        deadline = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.log()

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")[-4000:]

    def _is_bound(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"Kamailio ended by itself:\n{self.log()}")
        mark = f":{self.port:04X} "
        return all(mark in Path(f"/proc/net/{name}").read_text() for name in ("udp", "tcp"))


def script(parameters: Parameters) -> str:
    """The route script with ``parameters`` and with a line for each of ``FLAGS``."""
    lines = [
        f'modparam("{module}", "{name}", {_literal(value)})'
        for module, values in parameters.items()
        for name, value in values.items()
    ]
    plain = [f'    case {flags}: save("location", "{flags}"); {_RESULT}' for flags in FLAGS]
    named = [
        f'      case {flags}: save("location", "{flags}", "$var(uri)"); {_RESULT}'
        for flags in FLAGS
    ]
    text = SCRIPT.read_text().replace("@PARAMETERS@", "\n".join(lines))
    return text.replace("@SAVES_FOR_URI@", "\n".join(named)).replace("@SAVES@", "\n".join(plain))


_RESULT = "$var(code) = $rc; break;"


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'
