"""What verbs about bindings share: the arguments that say whose, and the way to the store.

They reach the store directly, so they work while every node is down. One verb is one connection.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import click

from regcluster.config.reader import Loaded
from regcluster.config.secrets import secret_free
from regcluster.control import output
from regcluster.control.admin import read_aor, read_table
from regcluster.control.options import Command
from regcluster.errors import StoreError

if TYPE_CHECKING:
    from regcluster.store import RedisStore

T = TypeVar("T")

table_option = click.option(
    "--table", "table_text", metavar="TABLE", help="Default: the first of location.tables."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose bindings are meant, as typed."""

    aor_text: str
    table_text: str | None

    def read(self, loaded: Loaded) -> tuple[str, str]:
        """The AOR and its table, or wrong usage."""
        settings = loaded.settings
        aor = typed(lambda: read_aor(self.aor_text, settings.registrar, settings.location))
        return aor, typed_table(self.table_text, loaded)

    def left_out(self, loaded: Loaded) -> str:
        """What to add to a no: the AOR that was looked for is not the one that was typed."""
        if loaded.settings.location.use_domain or "@" not in self.aor_text:
            return ""
        # The node that somebody has in mind may go by other settings.
        return " (location.use_domain = 0: the domain was left out)"


def place(command: Command) -> Command:
    """Give ``command`` the argument ``AOR`` and the option ``--table``, as one ``Place``."""

    @table_option
    @click.argument("aor_text", metavar="AOR")
    @functools.wraps(command)
    def with_place(*given: Any, aor_text: str, table_text: str | None, **others: Any) -> None:
        command(*given, where=Place(aor_text, table_text), **others)

    return with_place


def look(loaded: Loaded, verb: Callable[["RedisStore"], Awaitable[T]]) -> T:
    """``ask`` without setting the store up: one that nobody has used yet holds nothing to see."""
    return ask(loaded, verb, may_set_up=False)


def ask(loaded: Loaded, verb: Callable[["RedisStore"], Awaitable[T]], *, may_set_up: bool) -> T:
    """Open the store, run ``verb`` on it, close it."""
    # Only here: ``--help`` and wrong usage should not wait for the store's half of us.
    from regcluster.store import open_store

    async def run() -> T:
        settings = loaded.settings.store
        store = await open_store(settings, may_set_up=may_set_up)
        try:
            return await verb(store)
        except StoreError as why:
            # An operator has several, and the wrong one in mind.
            raise type(why)(f"the store at {secret_free(settings.url)}: {why}") from None
        finally:
            await store.close()

    return anyio.run(run)


def typed_table(text: str | None, loaded: Loaded) -> str:
    """The table that was typed, or the first; wrong usage if there is none of that name."""
    return typed(lambda: read_table(text, loaded.settings.location))


def typed(parse: Callable[[], T]) -> T:
    """What ``parse`` makes of something typed; its ``ValueError`` is wrong usage."""
    try:
        return parse()
    except ValueError as wrong:
        raise click.UsageError(output.printable(str(wrong))) from None
