"""The change feed as server-sent events, as ``regcluster watch --json`` tells it.

An event's id is what ``since`` and Last-Event-ID take: a browser that has lost us goes on where it
was. What is told twice has the same id.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from starlette.requests import Request
from starlette.responses import Response

from regcluster.config import Settings
from regcluster.config.secrets import secret_free
from regcluster.control import output, watch
from regcluster.control.api.answers import Problem
from regcluster.control.api.desk import Desk
from regcluster.control.api.reading import allowed, asked_table, read_query
from regcluster.control.api.shapes import EventQuery
from regcluster.control.api.streams import EventStream, Tell
from regcluster.store.event import Event
from regcluster.store.events import Wanted


async def follow(desk: Desk, request: Request) -> Response:
    """What happens to bindings, as it happens."""
    query = read_query(request, EventQuery)
    settings = desk.node.in_force().settings
    # Where a browser is after it has lost us, whatever the page had asked for at first.
    since = request.headers.get("last-event-id", query.since)
    wanted = _wanted(query, since, settings)
    includes = allowed(lambda: watch.of_domain(query.domain, settings.location))
    if desk.streams.is_full:
        most = desk.streams.most
        raise Problem(503, f"there are {most} streams open, as many as there may be")
    store = await desk.node.store()

    @asynccontextmanager
    async def source(tell: Tell) -> AsyncIterator[AsyncIterator[bytes]]:
        async with (
            store.watch(wanted, lambda problem: tell(secret_free(problem))) as feed,
            aclosing(aiter(feed)) as events,
        ):
            yield (written(event) async for event in events if includes(event))

    return EventStream(source, desk.streams)


def written(event: Event) -> bytes:
    """One event as it stands in the stream."""
    data = output.document(watch.document(event))
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode("ascii")


def _wanted(query: EventQuery, since: str, settings: Settings) -> Wanted:
    if query.aor and query.domain:
        raise Problem(400, "say aor or domain, not both")
    table = asked_table(query.table, settings)
    return allowed(lambda: watch.read_wanted(query.aor, since, table, settings))
