"""The table of all operations: where each is asked for, what it takes and what it answers.

Routes and OpenAPI document are both made from it, so neither can tell of what is not there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from regcluster.control.api import aors, cluster, events, shapes
from regcluster.control.api.desk import Desk

Run = Callable[[Desk, Request], Awaitable[Response]]


class EventText(msgspec.Struct):
    """Stands for an answer that is no JSON but a stream of events."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    """Below the prefix of the API; ``{aor}`` in it is an address-of-record, percent-encoded."""
    run: Run
    answers: dict[int, object]
    """The shape of each answer that is no problem; None: it has no body."""
    problems: tuple[int, ...] = ()
    """What it may refuse, besides what anything may be refused with."""
    query: type[msgspec.Struct] = shapes.NoQuery
    body: type[msgspec.Struct] | None = None

    @property
    def name(self) -> str:
        """What a program calls it."""
        return self.run.__name__

    @property
    def meaning(self) -> str:
        """What it does, in a sentence."""
        return (self.run.__doc__ or "").strip()


OPERATIONS = (
    Operation("GET", "/", cluster.show_api, {200: shapes.ApiSelf}),
    Operation(
        "GET", "/aors", aors.list_aors, {200: shapes.AorList}, (503,), query=shapes.ListQuery
    ),
    Operation(
        "GET", "/aors/{aor}", aors.show_aor, {200: shapes.Aor}, (404, 503), shapes.TableQuery
    ),
    Operation("GET", "/counts", aors.count_bindings, {200: shapes.Counts}, (503,)),
    Operation("GET", "/nodes", cluster.list_nodes, {200: shapes.NodeList}, (503,)),
    Operation("GET", "/node", cluster.show_node, {200: shapes.NodeDetail}),
    Operation("GET", "/settings", cluster.show_settings, {200: dict[str, shapes.SettingRow]}),
    Operation("GET", "/events", events.follow, {200: EventText}, (503,), query=shapes.EventQuery),
    Operation(
        "POST",
        "/aors/{aor}/contacts",
        aors.add_contact,
        {200: shapes.SavedAor, 201: shapes.SavedAor},
        (408, 409, 413, 415, 503),
        query=shapes.TableQuery,
        body=shapes.NewContact,
    ),
    Operation("DELETE", "/aors/{aor}", aors.remove_aor, {204: None}, (404, 503), shapes.TableQuery),
    Operation(
        "DELETE",
        "/aors/{aor}/contacts",
        aors.remove_contact,
        {204: None},
        (404, 503),
        query=shapes.DropQuery,
    ),
    Operation("POST", "/drain", cluster.drain, {202: shapes.Draining}),
)
