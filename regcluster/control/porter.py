"""Takes errands for a running node, at a Unix socket in the node's private folder.

Only the user whose node it is gets an answer, and root, who could be that user: the folder lets
nobody else in, and whoever is there all the same is looked at once more.
"""

import os
import socket
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import msgspec
from anyio.abc import SocketAttribute, SocketListener, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from regcluster.control.errand import ROOT, SOCKET, Answer, Errand
from regcluster.log import get_logger

logger = get_logger(__name__)

MAX_LINE = 1024 * 1024

_PEER = struct.Struct("3i")
"""``struct ucred``: process, user, group."""

Run = Callable[[Errand], Awaitable[Answer]]


async def listen(folder: Path) -> SocketListener:
    """The socket for errands to the node whose private ``folder`` this is."""
    return await anyio.create_unix_listener(folder / SOCKET, mode=0o600)


def may_ask(user: int) -> bool:
    """Whether a node that runs as we do is this user's to command."""
    return user in (os.geteuid(), ROOT)


async def serve(
    listener: SocketListener, run: Run, is_welcome: Callable[[int], bool] = may_ask
) -> None:
    """Run every errand that comes to ``listener`` from a user who is welcome, until cancelled."""
    async with listener:
        await listener.serve(partial(_attend, run, is_welcome))


async def _attend(run: Run, is_welcome: Callable[[int], bool], stream: SocketStream) -> None:
    async with stream:
        try:
            if is_welcome(_user_of(stream)):
                line = await BufferedByteReceiveStream(stream).receive_until(b"\n", MAX_LINE)
                answer = await run(msgspec.json.decode(line, type=Errand))
                await stream.send(msgspec.json.encode(answer) + b"\n")
                return
            problem = "another user"
        except (msgspec.MsgspecError, RecursionError):
            # The latter of what is nested too deep, even where we would pass over it.
            problem = "not understood"
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.DelimiterNotFound):
            problem = "incomplete"
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            problem = "gone before the answer"
        logger.warning("errand refused", problem=problem)


def _user_of(stream: SocketStream) -> int:
    raw = stream.extra(SocketAttribute.raw_socket)
    peer = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    user: int = _PEER.unpack(peer)[1]
    return user
