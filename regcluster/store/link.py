"""Ways to speak to one Redis: the seam, and the pipelined connection that workers use.

All commands issued in one turn of the event loop leave in one write; replies resolve in the order
of the commands. Nothing waits longer than the deadline: a call ends with its reply, with the
server's error, or with ``StoreUnavailable``, after which it is unknown whether the command ran.
How many calls are outstanding is bounded by the caller.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

import hiredis

from regcluster.errors import StoreError, StoreMismatch, StoreUnavailable
from regcluster.store.endpoint import Endpoint

Arg = bytes | str | int

_pack = cast("Callable[[tuple[Arg, ...]], bytes]", hiredis.pack_command)
