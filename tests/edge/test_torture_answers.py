"""What the whole server answers to the torture messages of RFC 4475 and RFC 5118.

The messages are those of ``tests/sip/torture``. Each goes to a worker of its own with an empty
store, as a datagram from an address that no Via of it names.
"""

from pathlib import Path
from typing import Literal

import pytest
from fakeredis import FakeServer

from regcluster.config import RoutingSettings, Settings
from regcluster.edge.worker import Worker
from regcluster.proxy.forward import Outgoing, forward
from regcluster.sip.hop import Hop
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from regcluster.sip.uri import SipUri, parse_uri
from tests import wire
from tests.edge.loopback import SECRET
from tests.edge.memory import OURS, Ledger, MemoryFlow, running
from tests.sip.torture.index import CORPUS

pytestmark = pytest.mark.anyio

Mode = Literal["redirect", "forward"]

EXAMPLE_COM = ["example.com"]
"""The domain of most of the messages, as the only one we are registrar for."""

REFUSED = {
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "trws": 400,
    "escruri": 400,
    "regbadct": 400,
    "badaspec": 400,
    "baddn": 400,
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 400,
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 400,
    "multi01": 400,
    "mcl01": 400,
    "ipv6-bad": 400,
}
"""What is wrong with a request is told, whomever it is for."""

SAVED = ["escnull", "dblreq", "regaut01", "cparam01", "cparam02", "regescrt"]
"""REGISTERs for example.com that are good, looks notwithstanding."""

TO_NOBODY = [
    *("intmeth", "lwsdisp", "longreq", "semiuri", "transports", "baddate", "badbranch"),
    *("invut", "sdp01", "inv2543", "ipv4-mapped"),
]
"""Good requests for a user of example.com who has no binding."""

ELSEWHERE = {
    "wsinv": 404,
    "esc01": 404,
    "esc02": 501,
    "mpart01": 404,
    "ipv6-good": 200,
    "port-ambiguous": 200,
    "port-unambiguous": 200,
    "received-with": 404,
    "received-without": 404,
    "ipv6-in-sdp": 404,
    "mult-ip-in-header": 404,
    "mult-ip-in-sdp": 404,
    "three-colons": 404,
    "two-colons": 404,
}
"""Good requests for other domains, and what they get where every domain is ours."""

DROPPED = {
    "unreason": "stray_response",
    "noreason": "stray_response",
    "bcast": "stray_response",
    "scalarlg": "malformed",
    "bigcode": "malformed",
}
"""Responses to nothing we have sent, and why they end here."""

BY_PROXY = {"bext01": 420, "zeromf": 483}
"""Good requests that a proxy may not forward, whether somebody is there or not."""


def settings(mode: Mode = "redirect", domains: list[str] | None = None) -> Settings:
    return Settings(routing=RoutingSettings(mode=mode, domains=domains or []))


async def answer(worker: Worker, data: bytes) -> tuple[int, Hop | None]:
    """The status of the one answer to ``data``, and where it goes; the worker has to survive."""
    flow = MemoryFlow(host="192.0.2.99", port=5099)
    worker.receive(data, flow)
    sent, hop = await flow.next()
    await assert_alive(worker)

    assert 0 == flow.waiting
    return int(sent.split(b" ", 2)[1]), hop


async def assert_alive(worker: Worker) -> None:
    flow = MemoryFlow()
    worker.receive(wire.request("OPTIONS", f"sip:{OURS}"), flow)

    assert 200 == (await flow.answer()).status


def test_every_message_has_an_expectation() -> None:
    """None of them falls between the tables."""
    expected = [*REFUSED, *SAVED, *TO_NOBODY, *ELSEWHERE, *DROPPED, *BY_PROXY]

    assert sorted(CORPUS) == sorted(expected)


@pytest.mark.parametrize("mode", ["redirect", "forward"])
@pytest.mark.parametrize("domains", [[], EXAMPLE_COM], ids=["any", "named"])
async def test_malformed_requests_are_refused(
    tmp_path: Path, mode: Mode, domains: list[str]
) -> None:
    """With the same status whatever the server does for others."""
    async with running(tmp_path, FakeServer(), settings(mode, domains)) as worker:
        statuses = {name: (await answer(worker, CORPUS[name].data))[0] for name in REFUSED}

    assert REFUSED == statuses


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("domains", [[], EXAMPLE_COM], ids=["any", "named"])
async def test_good_registers_are_saved(tmp_path: Path, name: str, domains: list[str]) -> None:
    """The 200 lists what was bound, and so does the one to a later query."""
    async with running(tmp_path, FakeServer(), settings(domains=domains)) as worker:
        flow = MemoryFlow()
        worker.receive(CORPUS[name].data, flow)
        saved = await flow.answer()
        request = parse(CORPUS[name].data)
        to = request.first("to")
        worker.receive(wire.register("sip:example.com", to=to, contact=None), flow)
        queried = await flow.answer()

    assert (200, 200) == (saved.status, queried.status)
    assert len(request.values("contact")) == len(queried.values("contact"))
    assert saved.all("contact") == queried.all("contact")


@pytest.mark.parametrize("mode", ["redirect", "forward"])
@pytest.mark.parametrize(("domains", "status"), [([], 404), (EXAMPLE_COM, 480)])
async def test_good_requests_for_nobody_find_nobody(
    tmp_path: Path, mode: Mode, domains: list[str], status: int
) -> None:
    """404 from who serves any domain, 480 from who knows his own; never 400."""
    async with running(tmp_path, FakeServer(), settings(mode, domains)) as worker:
        statuses = {name: (await answer(worker, CORPUS[name].data))[0] for name in TO_NOBODY}

    assert dict.fromkeys(TO_NOBODY, status) == statuses


@pytest.mark.parametrize(("mode", "routed"), [("redirect", 404), ("forward", 403)])
async def test_good_requests_for_other_domains(tmp_path: Path, mode: Mode, routed: int) -> None:
    """They get what they ask for where every domain is ours, and 403 where it is not.

    One has a Route to somebody else, which no proxy of ours follows.
    """
    async with running(tmp_path, FakeServer(), settings(mode)) as worker:
        anywhere = {name: (await answer(worker, CORPUS[name].data))[0] for name in ELSEWHERE}
    async with running(tmp_path, FakeServer(), settings(mode, EXAMPLE_COM)) as worker:
        foreign = {name: (await answer(worker, CORPUS[name].data))[0] for name in ELSEWHERE}

    assert ELSEWHERE | {"wsinv": routed} == anywhere
    assert dict.fromkeys(ELSEWHERE, 403) == foreign


@pytest.mark.parametrize("name", DROPPED)
async def test_strange_responses_are_dropped(tmp_path: Path, name: str) -> None:
    """Counted, and nothing is sent to anybody."""
    async with running(tmp_path, FakeServer()) as worker:
        ledger, flow = Ledger(), MemoryFlow()
        worker.receive(CORPUS[name].data, flow)
        drops = ledger.drops()
        await assert_alive(worker)

    assert ({DROPPED[name]: 1.0}, 0) == (drops, flow.waiting)


@pytest.mark.parametrize("mode", ["redirect", "forward"])
@pytest.mark.parametrize("name", BY_PROXY)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "unbound"])
async def test_what_only_a_proxy_refuses(
    tmp_path: Path, name: str, mode: Mode, is_bound: bool
) -> None:
    """A redirect server ignores Require and Max-Forwards, for nothing goes on from it (§8.3)."""
    bound = wire.register("sip:example.com", to="<sip:user@example.com>")
    async with running(tmp_path, FakeServer(), settings(mode)) as worker:
        if is_bound:
            await answer(worker, bound)
        status, _ = await answer(worker, CORPUS[name].data)

    redirected = 302 if is_bound else 404
    assert (BY_PROXY[name] if mode == "forward" else redirected) == status


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("wsinv", 5060),
        ("mpart01", 5099),
        ("quotbal", 5050),
        ("transports", 5060),
        ("bext01", 5061),
        ("mult-ip-in-header", 6050),
        ("ipv4-mapped", 19823),
    ],
)
async def test_the_answer_goes_where_the_request_came_from(
    tmp_path: Path, name: str, port: int
) -> None:
    """At the port the topmost Via names, unless it asks for the one of the source."""
    async with running(tmp_path, FakeServer()) as worker:
        _, hop = await answer(worker, CORPUS[name].data)

    assert Hop("UDP", "192.0.2.99", port) == hop


# What a proxy passes on

OUTGOING = Outgoing("UDP", f"{OURS}:5060", Hop("UDP", "192.0.2.99", 5099), "", SECRET)


def passed_on(data: bytes) -> tuple[Request, Request]:
    """A request as it comes, and as it leaves for a phone."""
    phone = parse_uri("sip:phone@192.0.2.50")
    request = parse(data)
    assert isinstance(phone, SipUri)
    assert isinstance(request, Request)
    forwarded = parse(forward(request, phone, OUTGOING))
    assert isinstance(forwarded, Request)
    return request, forwarded


@pytest.mark.parametrize("name", [*TO_NOBODY, *ELSEWHERE, "bext01"])
def test_what_is_not_the_proxys_goes_on_as_it_came(name: str) -> None:
    """Body, unknown headers, odd values: octet for octet, save for folds."""
    request, forwarded = passed_on(CORPUS[name].data)
    ours = ("via", "max-forwards")
    rows = [(row, line) for row, line in zip(request.headers, request.lines, strict=True)]
    kept = [line for (header, _), line in rows if header not in ours]

    assert request.body == forwarded.body
    assert len(request.values("via")) + 1 == len(forwarded.values("via"))
    assert kept == [line for line in forwarded.lines if line in kept]


@pytest.mark.parametrize(
    ("name", "hops"), [("wsinv", "67"), ("intmeth", "254"), ("inv2543", "70"), ("sdp01", "4")]
)
def test_a_proxy_counts_hops(name: str, hops: str) -> None:
    """One less than it came with; who brings no count gets one."""
    assert [hops] == passed_on(CORPUS[name].data)[1].all("max-forwards")


@pytest.mark.parametrize("name", ["badbranch", "inv2543"])
def test_a_request_without_a_branch_of_its_own_gets_one(name: str) -> None:
    """The same for a copy, another one for another request (RFC 3261 §16.11)."""
    data = CORPUS[name].data
    other = data.replace(f"Call-ID: {name}.1@".encode(), f"Call-ID: {name}.2@".encode())
    one, copy, another = [passed_on(d)[1].via.branch for d in (data, data, other)]

    assert one.startswith("z9hG4bK")
    assert one == copy != another
