"""What a node says of itself, under its name, and whether another node says so too.

Two nodes of one name overwrite what the other has said, and to whoever lists nodes they are one.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

import msgspec

from regcluster.log import get_logger

ENOUGH = 2
"""As often another node has to be heard of: once may be a node of before us, whose last word has
been late, or has come back with a replica that knew no later one."""

logger = get_logger(__name__)


@dataclass(slots=True, frozen=True)
class Notice:
    """What a node says of itself."""

    epoch: str
    """Another one at each start of the node."""
    addresses: Sequence[str]
    """Where it listens."""
    workers: int


def write_notice(notice: Notice) -> bytes:
    """As it is kept."""
    return json.dumps(asdict(notice)).encode()


def read_notice(text: bytes) -> Notice:
    """What ``write_notice`` was given."""
    return msgspec.json.decode(text, type=Notice)


class Namesake:
    """Another node with the name of ours, which is the one of that ``epoch``."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._has_spoken = False
        """Whether the last that we have said of ourselves has arrived."""
        self._heard = 0

    def take(self, found: object) -> None:
        """What was said under our name, now that we say it anew; or why we could not.

        What is not ours, where we have spoken, was said since: by somebody who is at work.
        """
        if self._has_spoken and isinstance(found, bytes):
            # Who writes there what is no notice is no node, and nothing to end a heartbeat over.
            with suppress(msgspec.DecodeError):
                self._hear(read_notice(found))
        self._has_spoken = not isinstance(found, BaseException)

    def _hear(self, notice: Notice) -> None:
        if notice.epoch == self._epoch:
            return
        self._heard += 1
        if self._heard == ENOUGH:
            logger.warning(
                "another node has this name",
                addresses=notice.addresses,
                problem="give each node on a store a node.name of its own",
            )
