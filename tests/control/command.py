"""The command line in a test: a verb run to its end, and the store it works on."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import anyio
from click.testing import CliRunner, Result

from regcluster.config import StoreSettings
from regcluster.control.cli import main
from regcluster.registrar.binding import Binding
from regcluster.store import RedisStore, open_store

T = TypeVar("T")

ALICE = "alice@example.com"
DESK = "sip:alice@192.0.2.1:5070"

Held = dict[tuple[str, str], list[Binding]]
"""Bindings by table and AOR."""


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    """Run regcluster with ``arguments``, and ``given`` on its standard input."""
    return CliRunner().invoke(main, arguments, given, catch_exceptions=False)


def on_store(
    url: str, verb: Callable[[RedisStore], Awaitable[T]], prefix: str = "rc", partitions: int = 256
) -> T:
    """What ``verb`` comes to on the store at ``url``."""

    async def work() -> T:
        settings = StoreSettings(url=url, prefix=prefix, partitions=partitions, deadline_ms=5000)
        store = await open_store(settings)
        try:
            return await verb(store)
        finally:
            await store.close()

    return anyio.run(work)


async def hold(store: RedisStore, held: Held) -> None:
    """Put ``held`` into ``store``."""
    for (table, aor), bindings in held.items():
        for binding in bindings:
            await store.restore(aor, binding, "", table)


async def holding(store: RedisStore, tables: tuple[str, ...] = ("location",)) -> Held:
    """All there is in ``store``."""
    return {
        (table, aor): (await store.fetch(aor, table)).bindings
        for table in tables
        for aor in [aor async for aor in store.scan(table)]
    }


def binding(now: int, uri: str = DESK, **fields: Any) -> Binding:
    """One that was made a minute before ``now`` and lives for ten more."""
    fixed = (uri, uri, -1, "", "c1", 5, "Phone/1", "uloc-1-1")
    made = Binding(*fixed, now + 600_000, now - 60_000, now - 60_000)
    return replace(made, **fields)
