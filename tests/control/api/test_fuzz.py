"""Requests that schemathesis makes up from the OpenAPI document, sound ones and others.

Whatever comes, the answer is one that the document tells of, in the shape that it tells, and soon.
A stream never ends, so ``/events`` is asked only for what it refuses, in ``test_events``.
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from regcluster.config import Settings
from regcluster.control import http
from regcluster.control.api.openapi import document
from tests.control.api.speaker import FEW, WRITE, Healthy, Speaker, api_of, bearing, now
from tests.control.command import ALICE, binding, hold
from tests.peer.processes import HOST, free_port
from tests.servers import RealServer, open_store

pytestmark = pytest.mark.server

STEADY = SchemathesisConfig(seed=1)
"""The same requests in every run, so that a failure is the change's."""

SCHEMA = schemathesis.openapi.from_dict(document(), config=STEADY).exclude(path="/events")

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
)

ANSWER_S = 2.0


class Host(threading.Thread):
    """An HTTP port of a node on ``valkey``, in a thread and an event loop of its own."""

    def __init__(self, valkey: RealServer, folder: Path) -> None:
        super().__init__()
        self._valkey = valkey
        self._folder = folder
        self._bound = http.bind(f"{HOST}:{free_port()}")
        self.base = f"http://{HOST}:{self._bound.getsockname()[1]}/api/v1"
        self._loop = asyncio.new_event_loop()
        self._serving: asyncio.Task[None]
        self.start()

    def run(self) -> None:
        """The thread."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        store = open_store(self._valkey, FEW)
        await hold(store, {("location", ALICE): [binding(now())]})
        speaker = Speaker(store, Settings(store=FEW))
        routes = api_of(speaker, self._folder).routes()
        served = http.serve(self._bound, Healthy(), speaker.registry, routes)
        self._serving = asyncio.create_task(served)
        await asyncio.wait([self._serving])
        await store.close()

    def stop(self) -> None:
        """End it; returns when it has."""
        self._loop.call_soon_threadsafe(lambda: self._serving.cancel())
        self.join()


@pytest.fixture(scope="module")
def base(valkey: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the API is served."""
    host = Host(valkey, tmp_path_factory.mktemp("host"))
    yield host.base
    host.stop()


@SCHEMA.parametrize()
@hypothesis.settings(max_examples=20)
def test_no_request_gets_an_answer_that_is_not_told_of(case: Case[Any], base: str) -> None:
    """Nor one that takes long, and none breaks anything.

    That wrong requests are refused is for ``test_reading`` and ``test_desk``: schemathesis takes
    for wrong also what lacked a token until it was given one here.
    """
    answer = case.call(base_url=base, headers=dict(bearing(WRITE)), timeout=ANSWER_S)

    case.validate_response(answer, checks=list(CHECKS))


@SCHEMA.include(path_regex="^/aors").parametrize()
@hypothesis.settings(max_examples=20)
def test_nor_does_one_about_somebody_who_may_be_there(case: Case[Any], base: str) -> None:
    """Made-up names and tables are hardly ever those of anybody, so these are Alice's."""
    _meant_for_alice(case)
    answer = case.call(base_url=base, headers=dict(bearing(WRITE)), timeout=ANSWER_S)

    case.validate_response(answer, checks=list(CHECKS))


def _meant_for_alice(case: Case[Any]) -> None:
    if "aor" in case.path_parameters:
        case.path_parameters["aor"] = ALICE
    case.query.pop("table", None)
    for place in (case.query, case.body):
        made_up = place.get("contact") if isinstance(place, dict) else None
        if isinstance(place, dict) and isinstance(made_up, str):
            place["contact"] = f"sip:{quote(made_up[:20])}@192.0.2.1"
