"""From a REGISTER to a plan (RFC 3261 §10.3)."""

from collections.abc import Callable
from itertools import count

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.plan import Change, Refusal, SavePlan
from regcluster.registrar.save import Planner
from regcluster.sip.message import Request
from regcluster.sip.parser import parse


def register(*headers: str, to: str = "<sip:alice@example.com>", call_id: str = "c1") -> Request:
    """A REGISTER with the header lines of interest added to what every request must have."""
    lines = [
        "REGISTER sip:example.com SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:bob@example.net>;tag=1",
        f"To: {to}",
        f"Call-ID: {call_id}",
        "CSeq: 7 REGISTER",
        *headers,
    ]
    request = parse("\r\n".join([*lines, "", ""]).encode())
    assert isinstance(request, Request)
    return request


def numbers() -> Callable[[], str]:
    """A source of ruids 1, 2, 3, ..."""
    source = count(1)
    return lambda: str(next(source))


def plan(
    request: Request,
    registrar: RegistrarSettings | None = None,
    location: LocationSettings | None = None,
) -> SavePlan | Refusal:
    planner = Planner(
        registrar or RegistrarSettings(), location or LocationSettings(), numbers(), lambda: 0.0
    )
    return planner.plan(request)


def changes(*headers: str, registrar: RegistrarSettings | None = None) -> list[Change]:
    planned = plan(register(*headers), registrar)
    assert isinstance(planned, SavePlan)
    return planned.changes


def refused(error: str) -> Refusal:
    """The 400 that says ``error`` in the status line and in P-Registrar-Error."""
    return Refusal(400, error, error)


def test_a_plan_holds_all_the_store_needs() -> None:
    """AOR from To, ordering from Call-ID and CSeq, limits from the settings."""
    planned = plan(
        register("Contact: <sip:a@192.0.2.1>;expires=100;q=0.5;ob", "User-Agent: Phone 1"),
        RegistrarSettings(max_contacts=3),
        LocationSettings(cseq_delay=5),
    )

    assert (
        SavePlan(
            aor="alice@example.com",
            call_id="c1",
            cseq=7,
            user_agent="Phone 1",
            wipe=False,
            changes=[Change("sip:a@192.0.2.1", 100, "sip:a@192.0.2.1", 500, ";ob", "1")],
            max_contacts=3,
            cseq_delay=5,
        )
        == planned
    )


def test_no_contact_is_a_query() -> None:
    """RFC 3261 §10.3 step 6: nothing to change, whatever Expires says."""
    planned = plan(register("Expires: 0"))

    assert isinstance(planned, SavePlan)
    assert planned.is_query


def test_a_star_with_expires_0_removes_all() -> None:
    """Contact: * needs Expires: 0 and stands for every binding."""
    planned = plan(register("Contact: *", "Expires: 0"))

    assert isinstance(planned, SavePlan)
    assert (True, [], False) == (planned.wipe, planned.changes, planned.is_query)


@pytest.mark.parametrize("headers", [["Contact: *"], ["Contact: *", "Expires: 1"]])
def test_a_star_needs_expires_0(headers: list[str]) -> None:
    """Anything else would remove bindings nobody asked to remove."""
    assert refused("* used in contact and expires is not zero") == plan(register(*headers))


@pytest.mark.parametrize(
    ("headers", "lifetimes"),
    [
        (["Contact: <sip:a@h>;expires=100, <sip:b@h>", "Expires: 200"], [100, 200]),
        (["Contact: <sip:a@h>"], [3600]),
        (["Contact: <sip:a@h>;expires=0"], [0]),
        (["Contact: <sip:a@h>;expires=abc", "Expires: 200"], [3600]),
        (["Contact: <sip:a@h>;expires=", "Expires: 200"], [200]),
        (["Contact: <sip:a@h>;expires", "Expires: 200"], [200]),
        (["Contact: <sip:a@h>", "Expires: soon"], [3600]),
        (["Contact: <sip:a@h>;expires=99999999999"], [2**32 - 1]),
    ],
)
def test_a_lifetime_is_the_contacts_or_the_headers_or_ours(
    headers: list[str], lifetimes: list[int]
) -> None:
    """The expires parameter, else the Expires header, else default_expires."""
    assert lifetimes == [change.lifetime for change in changes(*headers)]


def test_one_brief_contact_refuses_all() -> None:
    """RFC 3261 §10.3 step 7: a list is bound whole or not at all."""
    outcome = plan(
        register("Contact: <sip:a@h>;expires=600, <sip:b@h>;expires=10"),
        RegistrarSettings(min_expires_mode=1),
    )

    assert isinstance(outcome, Refusal)
    assert 423 == outcome.status


@pytest.mark.parametrize(
    ("contact", "q"), [(";q=0.38", 380), (";q=", 700), ("", 700), (";q=1", 1000), (";q=0", 0)]
)
def test_q_is_the_contacts_or_ours(contact: str, q: int) -> None:
    """default_q stands in where the phone names no preference."""
    planned = changes(f"Contact: <sip:a@h>{contact}", registrar=RegistrarSettings(default_q=700))

    assert [q] == [change.q for change in planned]


def test_parameters_we_do_not_interpret_are_kept() -> None:
    """Feature tags come back as they were sent; what is ours to set does not."""
    header = (
        'Contact: <sip:a@h>;audio;+sip.instance="<urn:uuid:1>";expires=60;q=0.5'
        ';received="sip:victim";pub-gruu="sip:x"'
    )

    assert [';audio;+sip.instance="<urn:uuid:1>"'] == [c.params for c in changes(header)]


def test_every_contact_gets_a_ruid_of_its_own() -> None:
    """As in Kamailio, drawn for refreshes too, which then keep the stored one."""
    assert ["1", "2"] == [c.ruid for c in changes("Contact: <sip:a@h>, <sip:b@h>")]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (["Contact: <sip:a@h>;q=1.5"], "Invalid q param in contact"),
        (["Contact: <sip:a@h>", "Expires:"], "Expires parse error"),
        ([f"Contact: <sip:{'a' * 511}@h>"], "Contact/received too long"),
        (
            ["Contact: " + ", ".join(f"<sip:{n}@h>" for n in range(257))],
            "Too many contacts in one request",
        ),
    ],
)
def test_a_broken_request_is_refused_with_the_reason(headers: list[str], error: str) -> None:
    """400, and the same words in P-Registrar-Error as Kamailio uses."""
    assert refused(error) == plan(register(*headers))


def test_the_longest_contact_and_call_id_are_taken() -> None:
    """512 and 255 characters are not too many."""
    uri = f"sip:{'a' * 506}@h"

    planned = plan(register(f"Contact: <{uri}>", call_id="c" * 255))

    assert isinstance(planned, SavePlan)
    assert [512] == [len(change.uri) for change in planned.changes]


def test_an_overlong_call_id_is_refused() -> None:
    """255 characters, as in Kamailio."""
    assert refused("Callid too long") == plan(register(call_id="c" * 256))


def test_a_to_that_names_no_aor_is_refused() -> None:
    """Only a SIP URI does."""
    assert refused("Error while parsing AOR") == plan(register(to="<tel:+123>"))


def test_unknown_extensions_that_are_required_are_refused() -> None:
    """420 with Unsupported naming exactly the unknown tags (RFC 3261 §8.2.2.3)."""
    assert Refusal(420, "Bad Extension", headers=[("Unsupported", "foo, bar")]) == plan(
        register("Require: Foo", "Require: bar")
    )


def test_an_empty_require_requires_nothing() -> None:
    """A header with no tag in it is not a demand."""
    assert isinstance(plan(register("Require:")), SavePlan)


@pytest.mark.parametrize(("agent", "kept"), [("a" * 254, "a" * 254), ("a" * 255, "")])
def test_an_overlong_user_agent_is_not_kept(agent: str, kept: str) -> None:
    """254 characters, as in Kamailio; it is not a reason to refuse a phone."""
    planned = plan(register(f"User-Agent: {agent}"))

    assert isinstance(planned, SavePlan)
    assert kept == planned.user_agent
