"""The contacts of a REGISTER, as they get into its plan (RFC 3261 §10.3 steps 6 and 7)."""

import pytest

from regcluster.config import RegistrarSettings
from tests.registrar.planning import changes, plan, planned, refused, register


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


@pytest.mark.parametrize(
    ("contact", "q"),
    [(";q=0.38", 380), (";q=", 700), (";q", 700), ("", 700), (";Q=1.000", 1000), (";q=0", 0)],
)
def test_q_is_the_contacts_or_ours(contact: str, q: int) -> None:
    """default_q stands in where the phone names no preference."""
    bound = changes(f"Contact: <sip:a@h>{contact}", registrar=RegistrarSettings(default_q=700))

    assert [q] == [change.q for change in bound]


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


def test_every_contact_gets_a_ruid_of_its_own() -> None:
    """As in Kamailio, drawn for refreshes too, which then keep the stored one."""
    assert ["1", "2"] == [c.ruid for c in changes("Contact: <sip:a@h>, <sip:b@h>")]


def test_the_longest_contact_and_call_id_are_taken() -> None:
    """512 octets of URI, 4096 of parameters and 255 of Call-ID are not too many."""
    contact = f"<sip:{'a' * 506}@h>;x={'y' * 4093}"

    (change,) = planned(register(f"Contact: {contact}", call_id="c" * 255)).changes

    assert (512, 4096) == (len(change.uri), len(change.params))


def test_a_request_may_name_256_contacts() -> None:
    """As many as one header may hold in Kamailio."""
    assert 256 == len(changes("Contact: " + ", ".join(f"<sip:{n}@h>" for n in range(256))))


def test_contact_max_size_is_as_set() -> None:
    """The longest Contact URI, octets."""
    settings = RegistrarSettings(contact_max_size=7)

    assert refused("Contact/received too long") == plan(register("Contact: <sip:aa@h>"), settings)


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
