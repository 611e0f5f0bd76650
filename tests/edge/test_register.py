"""Whole REGISTERs, from a datagram to its answer, beside what Kamailio was seen to answer.

The numbers are those of the observed vectors (registrar semantics, §11), 1 to 24. Where we answer
otherwise, a test names the stance (§8 there) that says so. Vector 19 needs a save flag, which the
built-in script has no use for.
"""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fakeredis import FakeServer

from regcluster.config import LocationSettings, RegistrarSettings, Settings
from regcluster.edge.worker import Worker
from regcluster.sip.message import Response
from tests import wire
from tests.edge.memory import MemoryFlow, no_chance, running

pytestmark = pytest.mark.anyio

Outcome = tuple[int, str | None, str | None]
"""Status, Contact and ``P-Registrar-Error`` of an answer."""

A = "<sip:a@192.0.2.7:5060>"
B = "<sip:b@192.0.2.7:5060>"

BAD_STAR = "* used in contact and expires is not zero"
TOO_MANY = "Too many registered contacts"
SAMPLES = 60


class Phone:
    """Sends REGISTERs of one Call-ID to a worker, each with the next CSeq unless told otherwise."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._cseq = 0

    async def send(self, contact: wire.Rows = None, **headers: wire.Rows) -> Response:
        """One REGISTER and its answer; without ``contact`` it is a query."""
        self._cseq += 1
        rows: dict[str, wire.Rows] = {"expires": None, "cseq": f"{self._cseq} REGISTER"}
        flow = MemoryFlow()
        data = wire.register("sip:example.test", b"", contact=contact, **(rows | headers))
        self._worker.receive(data, flow)
        return await flow.answer()

    async def ask(self, contact: wire.Rows = None, **headers: wire.Rows) -> Outcome:
        """One REGISTER and what matters of its answer."""
        answer = await self.send(contact, **headers)
        return answer.status, answer.first("contact"), answer.first("p-registrar-error")


@asynccontextmanager
async def phone_at(
    folder: Path,
    registrar: RegistrarSettings | None = None,
    cseq_delay: int = 20,
    spread: Callable[[], float] = no_chance,
) -> AsyncIterator[Phone]:
    """A phone at a registrar with nobody registered; AORs are users, as in the vectors."""
    settings = Settings(
        registrar=registrar or RegistrarSettings(),
        location=LocationSettings(use_domain=0, cseq_delay=cseq_delay),
    )
    async with running(folder, FakeServer(), settings, spread=spread) as worker:
        yield Phone(worker)


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Phone]:
    """A phone at a registrar with default settings."""
    async with phone_at(tmp_path) as phone:
        yield phone


async def test_every_binding_is_listed_with_what_it_has_left(phone: Phone) -> None:
    """Vectors 1 and 2: q as given, the short lifetime raised to the minimum, none made up."""
    first = await phone.ask(f"{A};q=0.5;expires=100")
    second = await phone.ask(f"{B};expires=10")

    assert [
        (200, f"{A};q=0.5;expires=100", None),
        (200, f"{A};q=0.5;expires=100, {B};expires=60", None),
    ] == [first, second]


@pytest.mark.parametrize(
    ("contact", "expires"), [(None, None), ("*", 0), (f"{A};expires=0", None), (A, 0)]
)
async def test_an_unknown_user_has_nothing_to_list_or_to_lose(
    phone: Phone, contact: str | None, expires: int | None
) -> None:
    """Vectors 3, 5 and 13: a query or a removal is granted, and shows no Contact."""
    assert (200, None, None) == await phone.ask(contact, expires=expires)


@pytest.mark.parametrize(
    ("contact", "expires", "error"),
    [
        ("*", 10, BAD_STAR),
        ("*", None, BAD_STAR),
        ("*;expires=0", None, "* used in contact and more than 1 contact"),
        (f"*, {A}", 0, "* used in contact and more than 1 contact"),
    ],
)
async def test_a_star_stands_alone_and_says_zero(
    phone: Phone, contact: str, expires: int | None, error: str
) -> None:
    """Vector 4, and stance S-12: else the request is refused and the bindings stay.

    Kamailio says of ``*;expires=0`` that it does not say zero, which it does.
    """
    await phone.ask(f"{A};expires=100")

    refused = await phone.ask(contact, expires=expires)

    assert [(400, None, error), (200, f"{A};expires=100", None)] == [refused, await phone.ask()]


async def test_call_id_and_cseq_put_requests_in_order(phone: Phone) -> None:
    """Vector 6: again, the same is a repetition, a lower one is too late, another Call-ID wins."""
    contact = f"{A};expires=100"
    asked = [("x", 5), ("x", 5), ("x", 4), ("y", 4)]

    outcomes = [
        await phone.ask(contact, call_id=call_id, cseq=f"{cseq} REGISTER")
        for call_id, cseq in asked
    ]

    late = (400, contact, "Invalid CSeq number")
    assert [(200, contact, None), (200, contact, None), late, (200, contact, None)] == outcomes


async def test_without_a_delay_nothing_counts_as_repeated(tmp_path: Path) -> None:
    """Vector 7: cseq_delay 0 refuses the same CSeq at once."""
    async with phone_at(tmp_path, cseq_delay=0) as phone:
        outcomes = [await phone.ask(A, cseq="9 REGISTER") for _ in range(2)]

    assert [200, 400] == [status for status, _, _ in outcomes]


@pytest.mark.parametrize(
    ("own", "header", "granted"),
    [
        ("4294967295", None, 4294967295),
        ("4294967296", None, 4294967295),
        ("2147483647", None, 2147483647),
        (None, "4294967295", 4294967295),
        (None, "99999999999", 4294967295),
        (None, "abc", 3600),
    ],
)
async def test_any_lifetime_is_understood(
    phone: Phone, own: str | None, header: str | None, granted: int
) -> None:
    """Vectors 8, 9 and 10, with stance S-24: a large number is the largest, nonsense the default.

    Kamailio lets the largest wrap into the past, or takes the default for it.
    """
    contact = f"{A};expires={own}" if own else A

    assert (200, f"{A};expires={granted}", None) == await phone.ask(contact, expires=header)


async def test_an_empty_expires_header_is_refused(phone: Phone) -> None:
    """Vector 11."""
    assert (400, None, "Expires parse error") == await phone.ask(A, expires="")


@pytest.mark.parametrize(
    ("q", "outcome"),
    [
        ("1.5", (400, None, "Invalid q param in contact")),
        ("0.12345", (200, f"{A};q=0.123;expires=3600", None)),
        ("0", (200, f"{A};q=0;expires=3600", None)),
    ],
)
async def test_q_is_read_to_three_digits(phone: Phone, q: str, outcome: Outcome) -> None:
    """Vector 12."""
    assert outcome == await phone.ask(f"{A};q={q}")


async def test_of_two_equal_contacts_in_one_request_the_later_wins(phone: Phone) -> None:
    """Vector 14: one binding."""
    outcome = await phone.ask([f"{A};q=0.1", f"{A};q=0.9"])

    assert (200, f"{A};q=0.9;expires=3600", None) == outcome


async def test_a_phone_does_not_choose_where_its_calls_are_sent(phone: Phone) -> None:
    """Vector 15, with stance S-09: a ``received`` of its own is not believed, kept or shown."""
    outcome = await phone.ask(f'{A};received="sip:192.0.2.66:5060"')

    assert (200, f"{A};expires=3600", None) == outcome


async def test_one_contact_too_many_is_refused(tmp_path: Path) -> None:
    """Vector 16: with the bindings there are, and with Retry-After where that is set."""
    limits = RegistrarSettings(max_contacts=1, retry_after=30)
    async with phone_at(tmp_path, limits) as phone:
        await phone.ask(A)
        answer = await phone.send(B)

    assert (503, f"{A};expires=3600", TOO_MANY, "30") == (
        answer.status,
        answer.first("contact"),
        answer.first("p-registrar-error"),
        answer.first("retry-after"),
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_contact_that_leaves_makes_room_for_one_that_comes(
    tmp_path: Path, order: Sequence[int]
) -> None:
    """Vector 17: in one request, whichever of the two stands first."""
    rows = [f"{A};expires=0", B]
    async with phone_at(tmp_path, RegistrarSettings(max_contacts=1)) as phone:
        await phone.ask(A)
        outcome = await phone.ask([rows[index] for index in order])

    assert (200, f"{B};expires=3600", None) == outcome


async def test_too_many_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    """Vector 18: none of them is bound."""
    async with phone_at(tmp_path, RegistrarSettings(max_contacts=1)) as phone:
        refused = await phone.ask([A, B])
        after = await phone.ask()

    assert [(503, None, TOO_MANY), (200, None, None)] == [refused, after]


async def test_too_brief_a_lifetime_is_refused_where_that_is_asked_for(tmp_path: Path) -> None:
    """Vector 20: min_expires_mode 1 tells the least that is granted."""
    async with phone_at(tmp_path, RegistrarSettings(min_expires_mode=1)) as phone:
        answer = await phone.send(f"{A};expires=10")

    assert (423, "60", "Interval too brief") == (
        answer.status,
        answer.first("min-expires"),
        answer.first("p-registrar-error"),
    )


async def test_one_lifetime_too_brief_refuses_the_whole_request(tmp_path: Path) -> None:
    """Vector 21, with stance S-05: the contact before it is not bound; Kamailio keeps it."""
    async with phone_at(tmp_path, RegistrarSettings(min_expires_mode=1)) as phone:
        await phone.ask(f"{A};expires=100")
        refused = await phone.ask([f"{B};expires=100", "<sip:c@192.0.2.7>;expires=10"])
        after = await phone.ask()

    assert (423, (200, f"{A};expires=100", None)) == (refused[0], after)


@pytest.mark.parametrize(
    ("settings", "asked", "least", "below"),
    [
        (RegistrarSettings(expires_range=30), 1000, 700, 1000),
        (RegistrarSettings(default_expires_range=50), None, 1800, 3600),
        (RegistrarSettings(expires_range=30, max_expires=5000), 100000, 5000, 5001),
        (RegistrarSettings(expires_range=30, max_expires=5000), 5500, 3850, 5001),
    ],
)
async def test_lifetimes_are_spread_downwards(
    tmp_path: Path, settings: RegistrarSettings, asked: int | None, least: int, below: int
) -> None:
    """Vectors 22, 23 and 24: over the whole range, and never beyond the maximum."""
    granted = set()
    async with phone_at(tmp_path, settings, spread=random.Random(1).random) as phone:
        for _ in range(SAMPLES):
            contact = (await phone.send(A, expires=asked)).first("contact") or ""
            granted.add(int(contact.rpartition("=")[2]))

    is_wide = max(granted) - min(granted) > (below - least) * 0.8 - 1
    assert (True, True, True) == (min(granted) >= least, max(granted) < below, is_wide)
