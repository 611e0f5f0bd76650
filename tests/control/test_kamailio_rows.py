"""A row of Kamailio's location table becomes a binding, or a sentence that says why not."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.control.kamailio_rows import (
    EXPIRED,
    PERMANENT,
    Read,
    Rules,
    Skipped,
    dumped_aors,
    dumped_contacts,
    header_of,
    read_dumped,
    read_row,
)
from regcluster.registrar.binding import ANY_METHOD, Binding

WRITTEN_AT = 1_700_000_000_000
RULES = Rules(RegistrarSettings(), LocationSettings(), WRITTEN_AT)
DEVICE = "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
DESK = "sip:alice@192.0.2.1:5070"

DUMPED = {
    "Address": DESK,
    "Expires": 300,
    "Q": 0.5,
    "Call-ID": "c1",
    "CSeq": 5,
    "User-Agent": 'Phone/1 "q"',
    "Received": "sip:198.51.100.1:5060",
    "Path": "<sip:p.test;lr>",
    "State": "CS_NEW",
    "Flags": 0,
    "CFlags": 64,
    "Socket": "udp:192.0.2.9:5060",
    "Methods": 5,
    "Ruid": "uloc-1-1",
    "Instance": "[not set]",
    "Reg-Id": 0,
    "Last-Modified": 1_690_000_000,
}
"""As ``ul.dump`` of Kamailio 5.6 tells it."""

ROW = {
    "id": "1",
    "ruid": "uloc-1-1",
    "username": "alice",
    "domain": "example.com",
    "contact": DESK,
    "received": "sip:198.51.100.1:5060",
    "path": "<sip:p.test;lr>",
    "expires": "1800000000",
    "q": "0.50",
    "callid": "c1",
    "cseq": "5",
    "last_modified": "1690000000",
    "flags": "0",
    "cflags": "64",
    "user_agent": 'Phone/1 "q"',
    "socket": "udp:192.0.2.9:5060",
    "methods": "5",
    "instance": "NULL",
    "reg_id": "0",
}

BINDING = Binding(
    key=DESK,
    uri=DESK,
    q=500,
    params="",
    call_id="c1",
    cseq=5,
    user_agent='Phone/1 "q"',
    ruid="uloc-1-1",
    expires_at=1_800_000_000_000,
    created_at=1_690_000_000_000,
    modified_at=1_690_000_000_000,
    socket="udp:192.0.2.9:5060",
    methods=5,
    received="sip:198.51.100.1:5060",
    path="<sip:p.test;lr>",
    cflags=64,
)


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is there."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


def row(rules: Rules = RULES, /, **cells: str) -> Read | Skipped:
    """What becomes of a row with these cells."""
    columns = ROW | cells
    return read_row(list(columns), list(columns.values()), rules)


def bound(read: Read | Skipped) -> Binding:
    """The binding that was read."""
    assert isinstance(read, Read)
    return read.binding


def test_a_row_of_the_table_is_read() -> None:
    """Each column in its place."""
    assert Read("alice@example.com", BINDING, "") == row()


def test_a_dumped_contact_is_read() -> None:
    """Its lifetime counts from the instant of the dump."""
    read = read_dumped("alice@example.com", DUMPED, RULES, WRITTEN_AT)

    expected = replace(BINDING, expires_at=WRITTEN_AT + 300_000)
    assert Read("alice@example.com", expected, "") == read


def test_a_column_that_is_not_there_has_its_default() -> None:
    """Three are enough."""
    columns = ["username", "contact", "expires"]

    read = read_row(columns, ["alice@example.com", DESK, "1800000000"], RULES)

    bare = Binding(
        *(DESK, DESK, -1, "", "Default-Call-ID", 1, ""),
        ruid="",
        expires_at=1_800_000_000_000,
        created_at=WRITTEN_AT,
        modified_at=WRITTEN_AT,
    )
    made = bound(read)
    assert replace(bare, ruid=made.ruid) == made
    assert re.fullmatch(r"ulcx-[0-9a-f]{16}-1", made.ruid)
    assert read == read_row(columns, ["alice@example.com", DESK, "1800000000"], RULES)


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ({"q": "-1.00"}, {"q": -1}),
        ({"q": ""}, {"q": -1}),
        ({"q": "1"}, {"q": 1000}),
        ({"q": "0.33"}, {"q": 330}),
        ({"methods": "NULL"}, {"methods": ANY_METHOD}),
        ({"methods": "4294967295"}, {"methods": ANY_METHOD}),
        ({"methods": "-1"}, {"methods": ANY_METHOD}),
        ({"methods": "0"}, {"methods": 0}),
        ({"cflags": ""}, {"cflags": 0}),
        ({"socket": "\\N"}, {"socket": ""}),
        ({"received": "[not set]", "path": ""}, {"received": "", "path": ""}),
        ({"expires": "1800000000.0"}, {}),
        ({"last_modified": "0"}, {"created_at": WRITTEN_AT, "modified_at": WRITTEN_AT}),
        ({"reg_id": "1"}, {"reg_id": 0}),
        (
            {"instance": DEVICE, "reg_id": "1"},
            {
                "key": "+urn:uuid:00000000-0000-1000-8000-000a95a0e128;1",
                "instance": DEVICE,
                "reg_id": 1,
            },
        ),
    ],
)
def test_cells_are_read_as_kamailio_writes_them(
    cells: Mapping[str, str], fields: Mapping[str, object]
) -> None:
    """Whatever stands for nothing."""
    expected = replace(BINDING, **fields)  # type: ignore[arg-type]

    assert expected == bound(row(RULES, **cells))


def test_an_instance_has_the_key_of_its_uri_as_its_alias() -> None:
    """As a REGISTER would have it."""
    read = row(instance=DEVICE)

    assert isinstance(read, Read)
    assert DESK == read.alias


def test_keys_are_made_by_the_settings() -> None:
    """matching_mode 1 puts the Call-ID before the URI."""
    by_call_id = replace_location(matching_mode=1)

    key = bound(row(by_call_id)).key

    assert re.fullmatch(rf"#[0-9a-f]{{16}}:{re.escape(DESK)}", key)


def replace_location(**fields: int) -> Rules:
    """The rules with another ``[location]``."""
    return replace(RULES, location=LocationSettings(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("domain", ["", "example.com"])
def test_without_domains_the_user_is_the_aor(domain: str) -> None:
    """Kamailio leaves the column empty then."""
    read = row(replace_location(use_domain=0), domain=domain)

    assert isinstance(read, Read)
    assert "alice" == read.aor


def test_times_are_of_this_machine(new_york: None) -> None:
    """As the database writes them, unless they say otherwise."""
    local = bound(row(expires="2027-01-15 03:00:00", last_modified="2023-07-22 00:26:40"))
    other = bound(row(expires="2027-01-15T08:00:00+00:00"))

    assert (BINDING, BINDING) == (local, other)


@pytest.mark.parametrize(
    "expires", ["0", "", "1970-01-01 00:00:00", "1969-12-31 19:00:00", "1970-01-01 01:00:00"]
)
def test_what_never_expires_is_skipped(expires: str) -> None:
    """Epoch 0, in whatever time zone; every binding of ours expires."""
    assert PERMANENT is row(expires=expires)


@pytest.mark.parametrize(
    ("expires", "outcome"), [("permanent", PERMANENT), ("deleted", EXPIRED), ("expired", EXPIRED)]
)
def test_what_does_not_live_is_skipped(expires: str, outcome: Skipped) -> None:
    """By the words of ul.dump."""
    assert outcome is read_dumped("a@b", DUMPED | {"Expires": expires}, RULES, WRITTEN_AT)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"domain": ""}, "alice has no domain, which location.use_domain = 1 asks for"),
        ({"username": "", "domain": ""}, "it has no domain, which location.use_domain"),
        ({"username": "a b"}, "a b@example.com is no address-of-record: "),
        ({"contact": "alice"}, "alice is no contact URI: "),
        ({"contact": f"{DESK}>;x=<sip:a@b"}, f"{DESK}>;x=<sip:a@b is no contact URI: "),
        ({"contact": f"sip:{'a' * 600}@b"}, "the contact is longer than registrar.contact_max"),
        ({"expires": "soon"}, "expires is neither a time, as in 2026-01-31 12:00:00, nor epoch"),
        ({"expires": "0001-01-01 00:00:00"}, "expires is neither a time"),
        ({"last_modified": "x"}, "last_modified is neither a time"),
        ({"q": "high"}, "q is no number up to 1: high"),
        ({"q": "nan"}, "q is no number up to 1: nan"),
        ({"q": "500"}, "q is no number up to 1: 500"),
        ({"cseq": "x"}, "cseq is no number: x"),
        ({"methods": "INVITE"}, "methods is no number: INVITE"),
        ({"socket": "192.0.2.9"}, "socket is not as in udp:192.0.2.1:5060: 192.0.2.9"),
        ({"path": "p"}, "Path parse error"),
        ({"user_agent": "a\r\nb"}, "user_agent has a line end"),
        ({"ruid": "a b"}, "ruid is not"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(cells: Mapping[str, str], sentence: str) -> None:
    """That begins so."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        row(RULES, **cells)


def test_a_row_of_another_length_is_refused() -> None:
    """Something in it was not quoted."""
    with pytest.raises(ValueError, match=r"^2 cells, and the header has 3"):
        read_row(["username", "contact", "expires"], ["a", "b"], RULES)


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("username,contact,expires\n", (["username", "contact", "expires"], ",")),
        ("\ufeffcontact;Expires; username;q\r\n", (["contact", "expires", "username", "q"], ";")),
        ('"username"\t"contact"\t"expires"', (["username", "contact", "expires"], "\t")),
        ("1,alice,sip:alice@192.0.2.1", None),
        ("", None),
    ],
)
def test_a_header_names_columns(line: str, header: object) -> None:
    """Whatever stands between them."""
    assert header == header_of(line)


CONTACTS = [{"Contact": DUMPED}]


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ({"result": {"AoR": "a@b", "Contacts": CONTACTS}}, [(None, "a@b")]),
        (
            {"Domains": [{"Domain": {"Domain": "t", "AoRs": [{"Info": {"AoR": "a@b"}}]}}]},
            [("t", "a@b")],
        ),
        ([{"AoRs": [{"AoR": "c@d"}]}, 5, {"error": "x"}], [(None, "c@d")]),
        (None, []),
    ],
)
def test_aors_are_found_wherever_they_stand(tree: object, found: list[object]) -> None:
    """In a dump, in a lookup, with and without what JSON-RPC puts around it."""
    assert found == [(table, aor["AoR"]) for table, aor in dumped_aors(tree)]


def test_the_contacts_of_an_aor_are_found() -> None:
    """With or without a name around each."""
    assert [DUMPED, DUMPED] == dumped_contacts({"Contacts": [*CONTACTS, DUMPED]})


@pytest.mark.parametrize(
    ("aor", "sentence"),
    [
        ({}, "no contacts: that is a brief dump"),
        ({"Contacts": [5]}, "its contacts cannot be read"),
        ({"Contacts": [{"Contact": 5}]}, "its contacts cannot be read"),
    ],
)
def test_contacts_that_are_none_are_told(aor: Mapping[str, object], sentence: str) -> None:
    """In a sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        dumped_contacts(aor)
