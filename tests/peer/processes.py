"""What every started program needs: a free port, an awaited claim, an end.

Ports are of the loopback interface. Waiting is for a claim to come true, within a bound, and says
what was waited for when it does not. A program is ended by its own id or by that of the process
group it was started in, so nothing is touched that a test did not start.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"

POLL_S = 0.02


def free_port() -> int:
    """A port number that neither UDP nor TCP uses at this moment."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        ):
            stream.bind((HOST, 0))
            port: int = stream.getsockname()[1]
            with suppress(OSError):
                datagram.bind((HOST, port))
                return port


def wait_until(claim: Callable[[], object], seconds: float, what: str) -> None:
    """Return as soon as ``claim`` holds; fail with ``what`` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(POLL_S)


def start(command: Sequence[str], log: Path, folder: Path | None = None) -> subprocess.Popen[bytes]:
    """Start ``command`` in a process group of its own, with its output appended to ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
        )


def end(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Ask ``process`` to end, give it ``seconds``, then end its whole group; its exit status."""
    try:
        process.terminate()
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return end_group(process)
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> int:
    """Kill what is left of the group that ``process`` leads; its exit status."""
    # The group outlives its leader, and its number is not given away while anyone is in it.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started and has not buried, whichever of its threads did."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in file.read_text().split()]
    return sorted(found)


def udp_owners(pids: Sequence[int], port: int) -> list[int]:
    """Those of ``pids`` that hold a UDP socket bound to ``port``."""
    rows = [row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{row[9]}]" for row in rows if int(row[1].split(":")[1], 16) == port}
    return [pid for pid in pids if sockets & _open_files(pid)]


def _open_files(pid: int) -> set[str]:
    links: set[str] = set()
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                links.add(str(file.readlink()))
    return links
