"""``regcluster watch``: the change feed on standard output, one line an event, until it is stopped.

It reaches the store directly, like the verbs about bindings. A store that cannot be reached at the
beginning ends it; one that goes away later is waited for, and standard error tells of both.
"""

import re
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import click

from regcluster.config import LocationSettings, Settings
from regcluster.config.reader import Loaded
from regcluster.config.secrets import secret_free
from regcluster.control import output
from regcluster.control.admin import in_domain, read_aor
from regcluster.control.options import Source, json_option, settings_options
from regcluster.control.reach import table_option, typed, typed_table
from regcluster.errors import StoreError

if TYPE_CHECKING:
    from regcluster.store.event import Event, Since
    from regcluster.store.events import Wanted

_ID = re.compile(r"\d+:\d+-\d+", re.ASCII)
_AGO = re.compile(r"(\d+)([smhd])", re.ASCII)
_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events, as typed."""

    aor_text: str
    domain: str
    since_text: str
    table_text: str | None

    def read(self, loaded: Loaded) -> "Wanted":
        """What to watch, or wrong usage."""
        settings = loaded.settings
        table = typed_table(self.table_text, loaded)
        if self.aor_text and self.domain:
            raise click.UsageError("say --aor or --domain, not both")
        return typed(lambda: read_wanted(self.aor_text, self.since_text, table, settings))

    def filter(self, loaded: Loaded) -> Callable[["Event"], bool]:
        """Whether an event is of the domain, or wrong usage; of the AOR it is already."""
        return typed(lambda: of_domain(self.domain, loaded.settings.location))


@click.command()
@settings_options
@json_option
@click.option("--aor", "aor_text", metavar="AOR", default="", help="Only events of this AOR.")
@click.option("--domain", metavar="DOMAIN", default="", help="Only AORs of this domain.")
@click.option(
    "--since",
    "since_text",
    metavar="TIME|ID",
    default="",
    help="Begin in the past: 10m, 2026-01-31T12:00, epoch milliseconds, or behind the event with "
    "that id. 0: with the oldest there is.",
)
@table_option
def watch(source: Source, as_json: bool, **chosen: str) -> None:
    """Tell what happens to bindings, as it happens.

    One line an event: added, changed, removed, expired. A gap is told where the feed no longer has,
    or a failover has lost, what happened. An event may be told twice, with the same id; after the
    id of --since those of other AORs may be.
    """
    loaded = source.load()
    choice = Choice(**chosen)
    wanted, includes = choice.read(loaded), choice.filter(loaded)

    def show(event: "Event") -> None:
        if includes(event):
            click.echo(output.document(document(event)) if as_json else line(event))

    # It has no other end.
    with suppress(KeyboardInterrupt):
        anyio.run(_follow, loaded, wanted, show)


def read_wanted(aor_text: str, since_text: str, table: str, settings: Settings) -> "Wanted":
    """The events of ``table``, of one AOR alone if named; raises ``ValueError`` with a sentence."""
    from regcluster.store.events import Wanted

    aor = read_aor(aor_text, settings.registrar, settings.location) if aor_text else ""
    since = read_since(since_text)
    if any(number >= settings.store.partitions for number in since.ids):
        raise ValueError(f"{since_text} is no id of an event in this store")
    return Wanted(table, aor, since)


def of_domain(domain: str, location: LocationSettings) -> Callable[["Event"], bool]:
    """Whether an event is of ``domain``, or of any if none is named.

    Raises ``ValueError`` for a domain where AORs have none.
    """
    if not domain:
        return lambda _: True
    is_in = in_domain(domain, location)
    # A gap is everybody's.
    return lambda event: not event.aor or is_in(event.aor)


def read_since(text: str) -> "Since":
    """Where to begin; raises ``ValueError`` with a sentence."""
    from regcluster.store.event import NOW, Since, since_id

    if not text:
        return NOW
    if _ID.fullmatch(text):
        return since_id(text)
    if ago := _AGO.fullmatch(text):
        # So long before the store's own now.
        return Since(at=-int(ago[1]) * _UNITS[ago[2]])
    if text.isascii() and text.isdigit():
        return Since(at=int(text))
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text} is neither a time, such as 10m or 2026-01-31T12:00, nor the id of an event"
        ) from None
    # Without an offset it is the operator's own time.
    return Since(at=int(instant.timestamp() * 1000))


async def _follow(loaded: Loaded, wanted: "Wanted", show: Callable[["Event"], None]) -> None:
    """Show every event, until cancelled. Raises ``StoreError``."""
    from regcluster.store import open_store

    settings = loaded.settings.store
    label = f"the store at {secret_free(settings.url)}"

    def tell(problem: str) -> None:
        what = f"{label}: {secret_free(problem)}; waiting" if problem else f"{label} is back"
        click.echo(f"regcluster: {what}", err=True)

    store = await open_store(settings, may_set_up=False)
    try:
        async with store.watch(wanted, tell) as feed, aclosing(aiter(feed)) as events:
            async for event in events:
                show(event)
    except StoreError as why:
        raise type(why)(f"{label}: {why}") from None
    finally:
        await store.close()


def line(event: "Event") -> str:
    """One event for people, the instant by their own clock."""
    # A gap before all that is left has no time of its own.
    instant = datetime.fromtimestamp(event.at / 1000, UTC).astimezone() if event.at else None
    when = instant.isoformat(" ", "milliseconds") if instant else "-"
    parts = [when, event.kind.ljust(7)]
    if event.kind == "gap":
        parts.append(f"events before this are lost, partition {event.id.partition(':')[0]}")
    else:
        parts.append(event.aor)
    if binding := event.binding:
        parts.append(binding.uri)
        if event.kind in ("added", "changed"):
            parts.append(f"{max(binding.expires_at - event.at, 0) // 1000} s")
        parts.append(binding.user_agent)
    if event.reason == "owner":
        parts.append("(its connection is gone)")
    return output.printable("  ".join(parts).rstrip())


def document(event: "Event") -> dict[str, object]:
    """One event for machines; ``at`` and other instants are epoch milliseconds of the store."""
    contact = event.binding and output.contact_document(event.binding, event.at)
    return {
        "id": event.id,
        "at": event.at,
        "kind": event.kind,
        "aor": event.aor,
        "table": event.table,
        "reason": event.reason or None,
        "contact": contact,
    }
