"""What a line of an export may say, and what is refused before it comes near a store."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from regcluster.config import LocationSettings, StoreSettings
from regcluster.control.exported import (
    END,
    MAX_LINE,
    End,
    Exported,
    alias_of,
    aor_line,
    check,
    header_line,
    header_of,
    read_line,
)
from regcluster.registrar.binding import Binding
from regcluster.registrar.save import MAX_BINDINGS
from tests.control.command import ALICE, DESK, binding

GOOD = binding(1_700_000_000_000, xavp={"n": 1})
FLOW = replace(GOOD, key="+x;1", instance="<x>", reg_id=1)


def test_a_header_says_where_an_export_was_taken() -> None:
    """And is read as it was written."""
    header = header_of(StoreSettings(prefix="p", partitions=8), 1, ["location"], 5)

    assert header == read_line(header_line(header).encode())
    assert ("p", 8, ["location"], 5) == (
        header.prefix,
        header.partitions,
        header.tables,
        header.at,
    )


def test_a_line_says_all_there_is_of_an_aor() -> None:
    """Stray octets too, and in ASCII."""
    stray = replace(GOOD, user_agent="caf\udce9 \u00e9")

    line = aor_line("location", "\udcff@a", [stray, FLOW])

    assert line.isascii()
    assert Exported("location", "\udcff@a", [stray, FLOW]) == read_line(line.encode())


def test_what_a_line_leaves_out_is_as_a_binding_has_it() -> None:
    """So that a file can be written by hand, or by an older node."""
    bare = Binding("k", "sip:a@h", -1, "", "c1", 1, "", "r1", 3, 1, 2)
    value = json.loads(aor_line("location", ALICE, [bare]))
    told = dict(list(value["bindings"][0].items())[:11])

    line = json.dumps({**value, "bindings": [told]}).encode()

    assert "modified_at" == list(told)[-1]
    assert Exported("location", ALICE, [bare]) == read_line(line)


def test_the_longest_line_that_phones_can_cause_is_read() -> None:
    """What an export has written whole, an import does not leave out."""
    large = replace(
        GOOD,
        key="k" * 2048,
        uri="sip:a@h;" + "u" * 2048,
        params="p" * 4096,
        path="<sip:p>" * 72,
        user_agent="\udcff" * 254,
    )
    line = aor_line("location", ALICE, [large] * MAX_BINDINGS)

    assert Exported("location", ALICE, [large] * MAX_BINDINGS) == read_line(line.encode())


def test_the_last_line_says_that_nothing_is_missing() -> None:
    """It says no more."""
    assert End("end") == read_line(END.encode())


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"\n", "no JSON"),
        (b'{"table": "loc', "no JSON: cut short"),
        (b"[" * 100_000 + b"\n", "no JSON"),
        (b" " * MAX_LINE + b"{}", "longer than 16777216 octets"),
        (b"{}\n", "Object missing required field `table`"),
        (b"[]\n", "Expected `object`, got `array`"),
        (b'{"table": "t", "aor": "", "bindings": []}\n', "no AOR"),
        (b'{"table": "t", "aor": "a\\nb", "bindings": []}\n', "no AOR"),
        (
            b'{"table": "t", "aor": "a", "bindings": [{"key": 1}]}\n',
            "Expected `str`, got `int` - at `$.bindings[0].key`",
        ),
        (
            header_line(header_of(StoreSettings(), 1, [], 5)).replace("1", "2", 1).encode(),
            "format 2 is another than this regcluster reads, 1",
        ),
    ],
    ids=range(10),
)
def test_a_line_that_is_none_is_refused_with_a_sentence(line: bytes, sentence: str) -> None:
    """Which says what is wrong with it, and where."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_line(line)


@pytest.mark.parametrize("good", [GOOD, FLOW, replace(GOOD, path="<sip:p;lr>", xavp=None)])
def test_what_a_register_could_have_made_is_accepted(good: Binding) -> None:
    """With and without an instance."""
    try:
        check(good)
    except ValueError as refused:
        pytest.fail(str(refused))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"call_id": "a\r\nEvil: 1"}, "call_id has a line end or a NUL in it"),
        ({"key": "a\nb"}, "key has a line end or a NUL in it"),
        ({"params": "\0"}, "params has a line end or a NUL in it"),
        ({"q": 1001}, "q is 1001: not in -1 to 1000"),
        ({"expires_at": 10**13}, "expires_at is 10000000000000: not in 0 to 9999999999999"),
        ({"modified_at": -1}, "modified_at is -1: not in 0 to 9999999999999"),
        ({"cseq": 10**10}, "cseq is 10000000000: not in 0 to 9999999999"),
        ({"methods": 2**32}, "methods is 4294967296: not in 0 to 4294967295"),
        ({"ruid": ""}, "ruid is not 1 to 64 characters without a space"),
        ({"ruid": "a b"}, "ruid is not 1 to 64 characters without a space"),
        ({"ruid": "\u00e9"}, "ruid is not 1 to 64 characters without a space"),
        ({"xavp": {"n": 2**63}}, "xavp has a number of more than 64 bits"),
        ({"key": ""}, "key and instance do not agree"),
        ({"key": "+x;1"}, "key and instance do not agree"),
        ({"reg_id": 1}, "key and instance do not agree"),
        ({"instance": "<x>"}, "key and instance do not agree"),
        ({"uri": "sip:"}, "Empty host"),
        ({"path": "sip:p"}, "Path parse error"),
    ],
)
def test_what_no_register_could_have_made_is_refused(
    wrong: Mapping[str, object], sentence: str
) -> None:
    """It would break keys, values, or messages it comes to stand in."""
    value = json.loads(aor_line("t", ALICE, [GOOD]))
    value["bindings"][0].update(wrong)
    told = read_line(json.dumps(value).encode())
    assert isinstance(told, Exported)

    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check(told.bindings[0])


def test_the_alias_is_what_the_uri_alone_would_make() -> None:
    """By that, contacts with and without an instance find each other; one without has none."""
    location = LocationSettings()

    assert (DESK, "") == (alias_of(FLOW, location), alias_of(GOOD, location))
