"""The change feed read: every event from a place on, in order for each address-of-record.

Reading is XRANGE from the event told last, that one included. So each answer proves that the reader
and the store still have the same history; where it does not begin with that event the stream was
cut at its end, or the store has lost its latest writes, and a ``gap`` says so. Notifications only
say which partitions to read at once (``wakeups``); once a second all of them are read anyway.

An event is told at least once: what was told already is told again, with the same id, only where a
failover has lost it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import batched, count
from typing import Any

from regcluster.config import StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.store.endpoint import Endpoint
from regcluster.store.event import MARGIN_MS, NOW, Event, Since, read_event
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.link import Link
from regcluster.store.wakeups import Wakeups

LOOK_S = 1.0
"""How late an event may be told whose notification was lost."""
