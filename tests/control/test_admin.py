"""What an operator types becomes an AOR and a plan, or a sentence that says why not."""

import re

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.control.admin import (
    USER_AGENT,
    Wish,
    plan_add,
    read_aor,
    read_contact,
    read_cursor,
    read_q,
    selection,
    write_cursor,
)

REGISTRAR = RegistrarSettings()
LOCATION = LocationSettings()


@pytest.mark.parametrize(
    ("text", "aor"),
    [
        ("alice@example.com", "alice@example.com"),
        ("sip:alice@example.com", "alice@example.com"),
        ("SIPS:Alice@EXAMPLE.com:5061;transport=tcp", "alice@example.com"),
        ("%61lice@example.com", "alice@example.com"),
        ("a%40b@example.com", "a%40b@example.com"),
        ("example.com", "example.com"),
    ],
)
def test_an_aor_is_read_as_a_register_would_be(text: str, aor: str) -> None:
    """The scheme may be left out; what is listed can be given back as it stands."""
    assert aor == read_aor(text, REGISTRAR, LOCATION)


def test_the_parameters_that_shape_an_aor_apply() -> None:
    """case_sensitive and realm_prefix, as for a phone."""
    registrar = RegistrarSettings(case_sensitive=1, realm_prefix="sip.")

    assert "Alice@example.com" == read_aor("Alice@sip.example.com", registrar, LOCATION)


@pytest.mark.parametrize("text", ["alice", "sip:alice@example.com", "alice@example.com"])
def test_without_domains_the_user_is_enough(text: str) -> None:
    """Where use_domain is 0 an AOR is a user, with or without a host behind it."""
    assert "alice" == read_aor(text, REGISTRAR, LocationSettings(use_domain=0))


def test_a_user_without_a_domain_is_taken_for_a_slip() -> None:
    """It would bind a host of that name, which no phone could be reached by."""
    with pytest.raises(ValueError, match=r"^bob has no domain: write bob@example.com, or sip:bob"):
        read_aor("bob", REGISTRAR, LOCATION)
    assert "bob" == read_aor("sip:bob", REGISTRAR, LOCATION)


@pytest.mark.parametrize(
    "text", ["", "alice@", "@example.com", "a b@example.com", "a@b@c", "tel:1"]
)
def test_what_is_no_aor_is_refused_with_a_sentence(text: str) -> None:
    """The sentence repeats what was typed and says what is wrong with it."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)} is no address-of-record: .+"):
        read_aor(text, REGISTRAR, LOCATION)


def test_an_aor_that_is_too_long_is_refused() -> None:
    """With the reason a phone would get."""
    with pytest.raises(ValueError, match=r"Address Of Record too long$"):
        read_aor(f"{'a' * 249}@example.com", REGISTRAR, LOCATION)


@pytest.mark.parametrize("text", ["sip:alice@192.0.2.1:5070;transport=tcp", "tel:+1-201-555-0123"])
def test_a_contact_is_any_uri(text: str) -> None:
    """As in a REGISTER, it need not be a SIP URI."""
    assert text == read_contact(text, REGISTRAR).uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "*",
        "sip:alice@",
        "<sip:alice@192.0.2.1>",
        "sip:a@192.0.2.1>;expires=0,<sip:b@192.0.2.2",
        'sip:a@192.0.2.1>;x="',
        "sip:a@192.0.2.1 ",
        "tel:1\r\nVia: x",
    ],
)
def test_what_is_no_contact_is_refused_with_a_sentence(text: str) -> None:
    """Nothing gets into a Contact header that could close it early."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)} is no contact URI: .+"):
        read_contact(text, REGISTRAR)


def test_a_contact_may_not_be_longer_than_a_phones() -> None:
    """contact_max_size applies."""
    with pytest.raises(
        ValueError, match=r"^the contact is longer than registrar\.contact_max_size \(20\)$"
    ):
        read_contact("sip:alice@192.0.2.1:5070", RegistrarSettings(contact_max_size=20))


def test_a_preference_is_read_in_thousandths() -> None:
    """As in a Contact header."""
    assert [0, 500, 1000] == [read_q(text) for text in ("0", "0.5", "1.000")]


@pytest.mark.parametrize("text", ["", "2", "-1", "high", "0,5"])
def test_what_is_no_preference_is_refused_with_a_sentence(text: str) -> None:
    """And with an example."""
    sentence = f"{text} is no preference: a number from 0 to 1, such as 0.5"

    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_q(text)


def wish(contact: str = "sip:alice@192.0.2.1") -> Wish:
    """Alice, reached at ``contact`` for an hour."""
    return Wish("alice@example.com", read_contact(contact, REGISTRAR), 3600, 500)


def test_a_wish_becomes_the_plan_a_register_would_have_become() -> None:
    """One change, the limits of the settings, and our own name as the user agent."""
    plan = plan_add(wish(), RegistrarSettings(max_contacts=3), LOCATION)

    assert ("alice@example.com", USER_AGENT, False, 3, 20) == (
        plan.aor,
        plan.user_agent,
        plan.wipe,
        plan.max_contacts,
        plan.cseq_delay,
    )
    (change,) = plan.changes
    assert ("sip:alice@192.0.2.1", 3600, 500, "") == (
        change.uri,
        change.lifetime,
        change.q,
        change.params,
    )


def test_a_binding_made_by_hand_matches_the_phones_own() -> None:
    """Two spellings of one URI (RFC 3261 §19.1.4) are one binding."""
    by_hand = plan_add(wish("sip:alice@EXAMPLE.com"), REGISTRAR, LOCATION)
    by_phone = plan_add(wish("sip:%61lice@example.com"), REGISTRAR, LOCATION)

    assert by_hand.changes[0].key == by_phone.changes[0].key


def test_each_plan_has_a_call_id_and_a_ruid_of_its_own() -> None:
    """So that neither ordering by CSeq nor an older binding's name stands in its way."""
    one, other = (plan_add(wish(), REGISTRAR, LOCATION) for _ in range(2))

    assert one.call_id != other.call_id
    assert one.changes[0].ruid != other.changes[0].ruid
    assert one.changes[0].ruid.startswith("ulcx-")


def test_a_list_can_be_narrowed_by_prefix_and_by_domain() -> None:
    """Both have to fit where both are given; where none is, everybody is listed."""
    aors = ["al@a.example", "al@b.example", "bo@a.example", "a.example"]
    asked = [("", ""), ("al", ""), ("", "A.example"), ("al", "a.example")]

    chosen = [list(filter(selection(*words, LOCATION), aors)) for words in asked]

    assert [aors, aors[:2], [aors[0], *aors[2:]], aors[:1]] == chosen


@pytest.mark.parametrize("aor", ["alice@example.com", "a b@[::1]", "%40\n", "\udcff@h"])
def test_a_cursor_is_one_word_and_leads_back_to_its_aor(aor: str) -> None:
    """Whatever octets a phone has put into it."""
    cursor = write_cursor(aor)

    assert (aor, True, 1) == (read_cursor(cursor), cursor.isascii(), len(cursor.split()))
