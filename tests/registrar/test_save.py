"""From a REGISTER to a plan (RFC 3261 §10.3)."""

from collections.abc import Callable
from itertools import count

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.plan import Change, Refusal, SavePlan
from regcluster.registrar.save import MAX_BINDINGS, Planner, bindings_allowed
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from tests import wire


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
    request = parse("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
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


def test_without_a_limit_there_is_one_all_the_same() -> None:
    """Every save reads all bindings of its AOR, so nobody may have any number of them."""
    assert MAX_BINDINGS == bindings_allowed(RegistrarSettings(max_contacts=0))
    assert MAX_BINDINGS + 1 == bindings_allowed(RegistrarSettings(max_contacts=MAX_BINDINGS + 1))


def test_no_contact_is_a_query() -> None:
    """RFC 3261 §10.3 step 6: nothing to change, whatever Expires says."""
    planned = plan(register("Expires: 0"))

    assert isinstance(planned, SavePlan)
    assert planned.is_query


@pytest.mark.parametrize("name", ["Contact", "m"])
def test_a_star_with_expires_0_removes_all(name: str) -> None:
    """Contact: * needs Expires: 0 and stands for every binding."""
    planned = plan(register(f"{name}: *", "Expires: 0"))

    assert isinstance(planned, SavePlan)
    assert (True, [], False) == (planned.wipe, planned.changes, planned.is_query)


@pytest.mark.parametrize(
    "headers",
    [
        ["Contact: *"],
        ["Contact: *", "Expires: 1"],
        ["Contact: *", "Expires: never"],
        ["m: *", "Expires: 60"],
    ],
)
def test_a_star_needs_expires_0(headers: list[str]) -> None:
    """Anything else would remove bindings nobody asked to remove (10-18)."""
    assert refused("* used in contact and expires is not zero") == plan(register(*headers))


@pytest.mark.parametrize(
    "headers",
    [
        ["Contact: *, <sip:a@h>"],
        ["Contact: <sip:a@h>, *"],
        ["Contact: *", "Contact: <sip:a@h>"],
        ["Contact: <sip:a@h>", "m: *"],
        ["Contact: *", "Contact: *"],
    ],
)
def test_a_star_stands_alone(headers: list[str]) -> None:
    """Beside another contact nobody can tell what is meant (10-18, S-12)."""
    assert refused("* used in contact and more than 1 contact") == plan(
        register(*headers, "Expires: 0")
    )


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
    ("contact", "q"),
    [(";q=0.38", 380), (";q=", 700), (";q", 700), ("", 700), (";Q=1.000", 1000), (";q=0", 0)],
)
def test_q_is_the_contacts_or_ours(contact: str, q: int) -> None:
    """default_q stands in where the phone names no preference."""
    planned = changes(f"Contact: <sip:a@h>{contact}", registrar=RegistrarSettings(default_q=700))

    assert [q] == [change.q for change in planned]


@pytest.mark.parametrize(
    ("rows", "uris"),
    [
        (["Contact: <sip:a@h>", "m: sip:b@h"], ["sip:a@h", "sip:b@h"]),
        (["m: <sip:a@h>, <sip:b@h>", "Contact: <sip:c@h>"], ["sip:a@h", "sip:b@h", "sip:c@h"]),
        (['Contact: "Doe, J" <sip:a,b@h;x=1>, <sip:c@h>'], ["sip:a,b@h;x=1", "sip:c@h"]),
        (["Contact: <sip:a@h>;q=0.1, <sip:a@h>;q=0.9"], ["sip:a@h", "sip:a@h"]),
        (["Contact: <tel:+1-201>, <mailto:a@B.com>"], ["tel:+1-201", "mailto:a@B.com"]),
        (["Contact: <sip:a@h?Route=%3Csip:x%3E>"], ["sip:a@h?Route=%3Csip:x%3E"]),
    ],
)
def test_contacts_are_taken_in_order_and_as_written(rows: list[str], uris: list[str]) -> None:
    """Rows, lists and compact names make one list; any scheme may be bound (10-41, 10-44)."""
    assert uris == [change.uri for change in changes(*rows)]


def test_parameters_without_brackets_are_the_headers() -> None:
    """Behind a bare URI they are the contact's, between brackets the URI's (10-42, 10-43)."""
    bare, bracketed = changes("Contact: sip:a@h;mobile, <sip:a@h;mobile>")

    assert ("sip:a@h", ";mobile", "sip:a@h;mobile", "") == (
        bare.uri,
        bare.params,
        bracketed.uri,
        bracketed.params,
    )


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "<*>",
        "<sip:a@192.0.2.1:5060transport=udp>",
        "<sip:a@h>, ",
        "<sip:a@h",
        "sip:a@h?Route=x",
        "<sip:a@h>;expires=0;expires=60",
        '<sip:a@h>;x="\\\0"',
    ],
)
def test_a_malformed_contact_is_refused(contact: str) -> None:
    """It would be handed to everyone who asks; a NUL could not even be written (S-13, 7-16)."""
    assert refused("Contact parse error") == plan(register(f"Contact: {contact}"))


def test_parameters_we_do_not_interpret_are_kept() -> None:
    """Feature tags come back as they were sent; what is ours to read or to set does not."""
    header = (
        'Contact: <sip:a@h>;audio;+sip.instance="<urn:uuid:1>";expires=60;q=0.5'
        ';received="sip:victim";pub-gruu="sip:x";temp-gruu="sip:y"'
    )

    assert [";audio"] == [c.params for c in changes(header)]


def test_every_contact_gets_a_ruid_of_its_own() -> None:
    """As in Kamailio, drawn for refreshes too, which then keep the stored one."""
    assert ["1", "2"] == [c.ruid for c in changes("Contact: <sip:a@h>, <sip:b@h>")]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (["Contact: <sip:a@h>;q=1.5"], "Invalid q param in contact"),
        (["Contact: <sip:a@h>", "Expires:"], "Expires parse error"),
        (["Expires:"], "Expires parse error"),
        ([f"Contact: <sip:{'a' * 507}@h>"], "Contact/received too long"),
        ([f"Contact: <sip:ok@h>, <mailto:{'é' * 253}>"], "Contact/received too long"),
        ([f"Contact: <sip:a@h>;x={'y' * 4094}"], "Contact/received too long"),
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
    """512 octets of URI, 4096 of parameters and 255 of Call-ID are not too many."""
    contact = f"<sip:{'a' * 506}@h>;x={'y' * 4093}"

    planned = plan(register(f"Contact: {contact}", call_id="c" * 255))

    assert isinstance(planned, SavePlan)
    assert [(512, 4096)] == [(len(change.uri), len(change.params)) for change in planned.changes]


def test_a_request_may_name_256_contacts() -> None:
    """As many as one header may hold in Kamailio."""
    assert 256 == len(changes("Contact: " + ", ".join(f"<sip:{n}@h>" for n in range(256))))


def test_contact_max_size_is_as_set() -> None:
    """The longest Contact URI, octets."""
    settings = RegistrarSettings(contact_max_size=7)

    assert refused("Contact/received too long") == plan(register("Contact: <sip:aa@h>"), settings)


@pytest.mark.parametrize("call_id", ["c" * 256, "é" * 128])
def test_an_overlong_call_id_is_refused(call_id: str) -> None:
    """255 octets, as in Kamailio."""
    assert refused("Callid too long") == plan(register(call_id=call_id))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("<tel:+123>", "Error while parsing AOR"),
        ("<sip:al%zzice@example.com>", "Bad user part of a URI"),
        ("<sip:@example.com>", "Empty user part of a URI"),
        ("<alice@example.com>", "URI without a scheme"),
    ],
)
def test_a_to_that_names_no_aor_is_refused(to: str, reason: str) -> None:
    """The reason says what is wrong, P-Registrar-Error what Kamailio 5.6 says (S-10)."""
    assert Refusal(400, reason, "Error while parsing AOR") == plan(register(to=to))


def test_the_settings_shape_aor_and_key() -> None:
    """case_sensitive and realm_prefix, use_domain and uri_equality reach what they are for."""
    planned = plan(
        register("Contact: <sip:A@H>", to="<sip:Alice@sip.example.com>"),
        RegistrarSettings(case_sensitive=1, realm_prefix="sip."),
        LocationSettings(uri_equality="bytes"),
    )

    assert isinstance(planned, SavePlan)
    assert ("Alice@example.com", "sip:A@H") == (planned.aor, planned.changes[0].key)


@pytest.mark.parametrize(
    "header",
    [
        "Route: <sip:proxy.example.com;lr>",
        "Record-Route: <sip:proxy.example.com;lr>",
        "Path: <sip:edge.example.com;lr>",
        "Supported: path, outbound",
        "Proxy-Require: foo",
        "Max-Forwards: 0",
        "Content-Type: application/x-nope",
        "WWW-Authenticate: Digest realm=x",
        "Min-Expires: 7200",
        "Date: yesterday",
    ],
)
def test_headers_that_are_not_the_registrars_change_nothing(header: str) -> None:
    """Not asked for by RFC 3261 §10.3, nor yet by a parameter: read by nobody (7-17, 10-02)."""
    contact = "Contact: <sip:a@h>"

    assert plan(register(contact)) == plan(register(contact, header))


def test_a_body_is_not_looked_at() -> None:
    """OPTIONS says that we accept anything, and no REGISTER means anything by its body (8-17)."""
    bare, laden = (
        parse(wire.register(body=body, content_type="application/x-nope"))
        for body in (b"", b"nope")
    )
    assert isinstance(bare, Request)
    assert isinstance(laden, Request)

    assert plan(bare) == plan(laden)


def test_a_to_tag_changes_nothing() -> None:
    """A REGISTER belongs to no dialog (10-47)."""
    tagged = register(to="<sip:alice@example.com>;tag=old")

    assert plan(register()) == plan(tagged)


@pytest.mark.parametrize(
    ("require", "error"), [("bar", ""), ("Outbound", "No support for Outbound on server")]
)
def test_unknown_extensions_that_are_required_are_refused(require: str, error: str) -> None:
    """420 with Unsupported naming exactly the unknown tags (RFC 3261 §8.2.2.3, S-25)."""
    unsupported = [("Unsupported", f"foo, {require.lower()}")]

    assert Refusal(420, "Bad Extension", error, unsupported) == plan(
        register("Require: Foo", f"Require: {require}")
    )


def test_unknown_extensions_may_be_ignored() -> None:
    """unknown_require "ignore" is Kamailio's way; outbound is refused there too."""
    settings = RegistrarSettings(unknown_require="ignore")
    outbound = Refusal(
        420, "Bad Extension", "No support for Outbound on server", [("Unsupported", "outbound")]
    )

    assert (plan(register()), outbound) == (
        plan(register("Require: foo"), settings),
        plan(register("Require: foo, outbound"), settings),
    )


def test_an_empty_require_requires_nothing() -> None:
    """A header with no tag in it is not a demand."""
    assert isinstance(plan(register("Require:")), SavePlan)


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("a" * 254, "a" * 254),
        ("a" * 255, ""),
        ("é" * 128, ""),
        ("\udcff" * 254, "\udcff" * 254),
    ],
)
def test_an_overlong_user_agent_is_not_kept(agent: str, kept: str) -> None:
    """254 octets, as in Kamailio; it is not a reason to refuse a phone."""
    planned = plan(register(f"User-Agent: {agent}"))

    assert isinstance(planned, SavePlan)
    assert kept == planned.user_agent
