"""One worker process, from the first order to the last; ``process`` puts together what is in it.

Started by the supervisor with the number of an inherited socket, over which its orders come. It
ends when it is told to drain, or at once when the supervisor is gone.
"""

import asyncio
import gc
import resource
import signal
import socket
import sys

import uvloop

from regcluster import log, metrics
from regcluster.control.channel import (
    Applied,
    Apply,
    Channel,
    Drain,
    Fatal,
    Leave,
    Order,
    Ready,
    Report,
    Start,
    worker_end,
)
from regcluster.control.process import Process
from regcluster.errors import ConfigError, told
from regcluster.log import get_logger
from regcluster.store import open_store

STATUS_S = 1.0
"""The longest time between two reports."""

LOOK_S = 0.05
"""How soon it is told that the store has gone or come back."""

SPARE_FILES = 1000
"""Files a worker may have open beyond ``limits.connections``: its listeners, its links to the store
and to other workers, and connections that are still coming up."""

logger = get_logger(__name__)


async def work(end: socket.socket) -> int:
    """Live as a worker at ``end`` of a channel; the exit code."""
    channel = await worker_end(end)
    try:
        start = await channel.receive()
        return await _live(channel, start) if isinstance(start, Start) else 0
    finally:
        channel.close()


async def _live(channel: Channel[Report, Order], start: Start) -> int:
    log.configure(start.settings.log, node=start.settings.node.name, worker=start.worker)
    _allow_files(start.settings.limits.connections + SPARE_FILES)
    store = await open_store(start.settings.store)
    try:
        process = Process(start, store)
        await process.listen(start.settings, start.workers)
        await _serve(channel, process, start.worker)
    except (OSError, ConfigError) as why:
        channel.send(Fatal(_reason(why)))
        await channel.receive()
        return 1
    finally:
        await store.close()
    return 0


def _reason(why: OSError | ConfigError) -> str:
    """Why no worker can start: an address that cannot be had, or a script that cannot be run."""
    if isinstance(why, ConfigError):
        return "; ".join(why.problems)
    return told(why)


async def _serve(channel: Channel[Report, Order], process: Process, worker: int) -> None:
    # What is alive now stays alive: no need for the collector to look at it again and again.
    gc.collect()
    gc.freeze()
    # Requests under way are thousands of objects that all go by themselves.
    gc.set_threshold(10_000, 20, 50)
    metrics.TALLY.defer = asyncio.get_running_loop().call_soon
    channel.send(Ready())
    reporting = asyncio.create_task(_report(channel, process))
    try:
        await process.drain(await _obey(channel, process, worker))
    finally:
        reporting.cancel()
        metrics.TALLY.close()


async def _obey(channel: Channel[Report, Order], process: Process, worker: int) -> float:
    """Do as told until it is time to drain; the seconds there are for that."""
    while order := await channel.receive():
        if isinstance(order, Apply):
            log.configure(order.settings.log, node=order.settings.node.name, worker=worker)
            channel.send(Applied(process.apply(order.settings, rereads=order.rereads)))
        elif isinstance(order, Leave):
            process.leave()
        elif isinstance(order, Drain):
            return order.within_s
    # The supervisor is gone, and with it whoever could tell us to go on.
    return 0.0


async def _report(channel: Channel[Report, Order], process: Process) -> None:
    """Tell how it stands about once a second, and soon when the store has gone or come back."""
    loop = asyncio.get_running_loop()
    told, due_at = "", 0.0
    while True:
        if loop.time() >= due_at or process.store_problem != told:
            status = process.status()
            channel.send(status)
            told, due_at = status.store_problem, loop.time() + STATUS_S
        back_at = loop.time() + LOOK_S
        await asyncio.sleep(LOOK_S)
        metrics.observe_loop(max(0.0, loop.time() - back_at))


def _allow_files(wanted: int) -> None:
    """Raise this process's own limit of open files to ``wanted``, or as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    if hard < wanted:
        logger.warning("too few open files allowed for limits.connections", allowed=hard)


def main() -> None:
    """Entry of a worker process: ``python -m regcluster.control.serve FD``."""
    end = socket.socket(fileno=int(sys.argv[1]))
    # They reach the whole process group at a terminal, and the whole service under systemd; the
    # supervisor decides what comes of them.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(uvloop.run(work(end)))


if __name__ == "__main__":
    main()
