"""Tables for people and JSON for machines, safe against what phones put into their headers."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

from regcluster.config import Settings, StoreSettings
from regcluster.config.fields import FIELDS
from regcluster.config.reader import Loaded, load
from regcluster.control.output import (
    document,
    pairs,
    printable,
    record_document,
    record_table,
    settings_document,
    settings_toml,
    table,
)
from regcluster.registrar.binding import Binding
from regcluster.registrar.methods import bit
from regcluster.registrar.plan import Record

NOW = 1_700_000_000_000


def binding(uri: str = "sip:alice@192.0.2.1", q: int = -1, user_agent: str = "Phone") -> Binding:
    """A binding registered 15 s before NOW and valid for 60 s after it."""
    return Binding(
        key=uri,
        uri=uri,
        q=q,
        params=";+sip.rendering",
        call_id="c1@phone",
        cseq=7,
        user_agent=user_agent,
        ruid="uloc-1-1",
        expires_at=NOW + 60_000,
        created_at=NOW - 15_000,
        modified_at=NOW - 5_000,
    )


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Columns line up, and no line ends in blanks."""
    assert "A    BB\nxyz  1\n     2" == table(("A", "BB"), [("xyz", "1"), ("", "2")])


def test_a_table_without_rows_is_its_headings() -> None:
    """An empty table is still a table."""
    assert "A  B" == table(("A", "B"), [])


def test_pairs_line_up() -> None:
    """Names on the left, values on the right."""
    assert "bindings  3\nstore     unix:///s" == pairs({"bindings": 3, "store": "unix:///s"})


def test_nothing_a_phone_sends_can_drive_a_terminal() -> None:
    """Escape sequences, line breaks and stray octets are shown, not obeyed."""
    assert "a\\x1b[2Jb\\nc\\u202e\\xe9 ü" == printable("a\x1b[2Jb\nc\u202e\udce9 ü")
    assert "\x1b" not in table(("UA",), [("\x1b]0;owned\x07",)])


def test_json_is_plain_ascii_on_one_line() -> None:
    """Whatever reads it needs no idea of encodings; stray octets stay apart from each other."""
    text = document({"a": "ü\n\udce9"})

    assert '{"a": "\\u00fc\\n\\udce9"}' == text
    assert {"a": "ü\n\udce9"} == json.loads(text)


def test_a_record_is_a_table_of_contacts_best_first() -> None:
    """One line a contact; an unspecified q is left empty."""
    record = Record(NOW, [binding(q=500), binding("sip:b@192.0.2.2", user_agent="\x1b[2J")])

    assert [
        "CONTACT Q EXPIRES AGE USER-AGENT CALL-ID RUID",
        "sip:alice@192.0.2.1 0.5 60 s 15 s Phone c1@phone uloc-1-1",
        "params ;+sip.rendering",
        "sip:b@192.0.2.2 60 s 15 s \\x1b[2J c1@phone uloc-1-1",
        "params ;+sip.rendering",
    ] == [" ".join(line.split()) for line in record_table(record).splitlines()]


def test_a_record_for_machines_holds_all_of_each_contact() -> None:
    """Durations are seconds, instants epoch milliseconds of the store."""
    assert {
        "aor": "alice@example.com",
        "now": NOW,
        "contacts": [
            {
                "contact": "sip:alice@192.0.2.1",
                "q": 0.5,
                "params": ";+sip.rendering",
                "expires_in": 60,
                "expires_at": NOW + 60_000,
                "created_at": NOW - 15_000,
                "modified_at": NOW - 5_000,
                "user_agent": "Phone",
                "call_id": "c1@phone",
                "cseq": 7,
                "ruid": "uloc-1-1",
                "socket": None,
                "connection": None,
                "received": None,
                "path": None,
                "instance": None,
                "reg_id": None,
                "methods": None,
                "cflags": 0,
                "xavp": None,
            }
        ],
    } == record_document("alice@example.com", Record(NOW, [binding(q=500)]))


FLOW = replace(
    binding(),
    params="",
    socket="tcp:192.0.2.10:5060",
    connection="edge-1/0.1.ab",
    received="sip:198.51.100.7:40000",
    path="<sip:edge.example.com;lr>",
    instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>",
    reg_id=1,
    methods=bit("INVITE") | bit("BYE") | bit("X-FOO"),
    cflags=64,
    xavp={"line": 2, "site": "a\nb"},
)


def test_what_else_is_kept_of_a_contact_stands_below_it() -> None:
    """Only what there is: most contacts have none of it."""
    plain = replace(binding("sip:b@192.0.2.2"), params="")
    lines = record_table(Record(NOW, [FLOW, plain])).splitlines()

    assert [
        "  received    sip:198.51.100.7:40000",
        "  path        <sip:edge.example.com;lr>",
        "  socket      tcp:192.0.2.10:5060",
        "  connection  edge-1/0.1.ab",
        "  instance    <urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>;reg-id=1",
        "  methods     INVITE, BYE, other",
        "  cflags      64",
        "  xavp        line=2, site=a\\nb",
    ] == lines[2:-1]
    assert lines[-1].startswith("sip:b@192.0.2.2 ")


def test_machines_are_told_it_by_name() -> None:
    """In a shape that does not depend on what there is."""
    answer = json.loads(document(record_document("a", Record(NOW, [FLOW]))))
    (contact,) = answer["contacts"]

    assert {
        "socket": "tcp:192.0.2.10:5060",
        "connection": "edge-1/0.1.ab",
        "received": "sip:198.51.100.7:40000",
        "path": "<sip:edge.example.com;lr>",
        "instance": "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>",
        "reg_id": 1,
        "methods": ["INVITE", "BYE", "other"],
        "cflags": 64,
        "xavp": {"line": 2, "site": "a\nb"},
    }.items() <= contact.items()


def test_who_takes_no_method_is_not_one_who_did_not_say() -> None:
    """An empty Allow is a statement."""
    record = Record(NOW, [replace(binding(), params="", methods=0)])

    assert "  methods  none" == record_table(record).splitlines()[-1]


def test_an_unspecified_q_is_null() -> None:
    """-1 is how we keep it, not what it means."""
    text = document(record_document("a", Record(NOW, [binding()])))

    assert '"q": null' in text


def test_printed_settings_are_a_settings_file(tmp_path: Path) -> None:
    """What check --print writes can be read back and gives the same settings."""
    loaded = load(None, {"REGCLUSTER_NODE__NAME": 'a"b\\c ü'}, ["listen.udp=a:1,[::1]:2"])
    file = tmp_path / "printed.toml"
    file.write_text(settings_toml(loaded))

    assert loaded.settings == load(file, {}, ()).settings


def test_printed_settings_tell_where_each_value_came_from() -> None:
    """The origin stands in a comment beside the value."""
    loaded = load(None, {"REGCLUSTER_LOG__LEVEL": "debug"}, ["log.format=json"])

    assert [
        "[log]",
        'level = "debug"  # environment variable REGCLUSTER_LOG__LEVEL',
        'format = "json"  # --set',
    ] == settings_toml(loaded).splitlines()[-3:]


def test_a_password_is_in_no_form_of_the_settings() -> None:
    """Neither the TOML nor the JSON shows it."""
    settings = Settings(store=StoreSettings(url="redis://u:secret@h"))
    loaded = Loaded(settings, dict.fromkeys(FIELDS, "default"))

    assert "redis://u:***@h" == tomllib.loads(settings_toml(loaded))["store"]["url"]
    assert {"value": "redis://u:***@h", "origin": "default"} == settings_document(loaded)[
        "store.url"
    ]


def test_an_origin_cannot_break_out_of_its_comment() -> None:
    """A file may be called anything."""
    origins = dict.fromkeys(FIELDS, "a\nb = 1")

    assert "b" not in tomllib.loads(settings_toml(Loaded(Settings(), origins)))["node"]
