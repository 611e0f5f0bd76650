"""The head of a message: lines, folds, header rows (RFC 3261 §7.3)."""

import pytest

from regcluster.errors import MalformedMessage
from regcluster.sip.head import (
    MAX_HEADERS,
    parse_rows,
    salvage_head,
    split_lines,
    unfold,
    usual_rows,
)

ODD_ENDS = "\x0b \x0c \x1c \x1d \x1e \x85 \u2028 \u2029"
"""What Unicode takes for the end of a line, and SIP for text."""


def test_lines_end_in_crlf() -> None:
    """The end itself is not part of them."""
    assert ["OPTIONS sip:h SIP/2.0", "a: b", "", "c"] == split_lines(
        "OPTIONS sip:h SIP/2.0\r\na: b\r\n\r\nc"
    )


def test_nothing_else_ends_a_line() -> None:
    """Text in any script goes through whole (7-24)."""
    assert ["a", f"Subject: {ODD_ENDS}"] == split_lines(f"a\r\nSubject: {ODD_ENDS}")


@pytest.mark.parametrize(
    "head",
    [
        "a\nb",
        "a\rb",
        "a\r",
        "a\n",
        "\na",
        "a\r\nb\n\n",
        "a\n\rb",
        "a\r\r\nb",
        "a\u2028b\nc",
        "a\u2028b\rc",
    ],
)
def test_a_bare_cr_or_lf_is_malformed(head: str) -> None:
    """One reader's header is another one's text (7-23)."""
    with pytest.raises(MalformedMessage, match="Bare CR or LF"):
        split_lines(head)


@pytest.mark.parametrize("head", ["a\0", '"\\\\\0"', "\0", "a\\\0\0", "a\\\r\n\0"])
def test_a_bare_nul_is_malformed(head: str) -> None:
    """Two backslashes are one, quoted, and quote nothing."""
    with pytest.raises(MalformedMessage, match="NUL"):
        split_lines(head)


@pytest.mark.parametrize("line", ['"\\\0"', '"\\\\\\\0"', "\\\0\\\0"])
def test_a_quoted_nul_is_text(line: str) -> None:
    """A backslash takes the meaning from anything but CR and LF (7-25)."""
    assert [line] == split_lines(line)


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        ([], []),
        (["a: b", "c: d"], ["a: b", "c: d"]),
        (["a: b", " c", "d: e"], ["a: b c", "d: e"]),
        (["a: b \t", "\t \tc"], ["a: b c"]),
        (["a:", "  b", "", " c"], ["a: b", " c"]),
        (["a: b", "   "], ["a: b "]),
        (["a: 1", " 2", "\t3", " 4"], ["a: 1 2 3 4"]),
    ],
)
def test_a_fold_is_a_single_space(lines: list[str], rows: list[str]) -> None:
    """However much white space made it (7-08)."""
    assert rows == unfold(lines)


def test_a_fold_needs_a_row_to_go_on() -> None:
    """The start line is none."""
    with pytest.raises(MalformedMessage, match="White space before the first header field"):
        unfold([" a: b"])


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("Via: x", ("via", "x")),
        ("VIA: x", ("via", "x")),
        ("cOnTaCt:x", ("contact", "x")),
        ("Call-ID \t:\t x \t", ("call-id", "x")),
        ("m: x", ("contact", "x")),
        ("M : x", ("contact", "x")),
        ("s:", ("subject", "")),
        ("X-Odd: a:b", ("x-odd", "a:b")),
        ("C%6Fntact: x", ("c%6fntact", "x")),
        ("extensionHeader-!.%*+_`'~: x", ("extensionheader-!.%*+_`'~", "x")),
        ("Subject: \xa0x\u2003", ("subject", "\xa0x\u2003")),
    ],
)
def test_a_row_is_a_name_and_a_value(line: str, header: tuple[str, str]) -> None:
    """Names without case, long for short; only SP and HT are white space (7-06, 7-07, 7-14)."""
    assert ([header], [line]) == parse_rows([line])


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("Via: x", ("via", "x")),
        ("CALL-ID: x", ("call-id", "x")),
        ("m: x", ("contact", "x")),
        ("M: x", ("contact", "x")),
        ("X-Odd: a: b", ("x-odd", "a: b")),
        ("Supported: ", ("supported", "")),
        ("Subject: \t x \t", ("subject", "x")),
    ],
)
def test_a_usual_row_is_read_as_any_row_is(line: str, header: tuple[str, str]) -> None:
    """Whoever reads it."""
    rows = ["To: c", line]

    assert {"to": "c", header[0]: header[1]} == usual_rows(rows) == dict(parse_rows(rows)[0])


@pytest.mark.parametrize(
    "lines",
    [
        ["Via: a", "Via: b"],
        ["Max-Forwards: 7", "Max-Forwards: 7"],
        ["To: a", " b: c"],
        ["To: a", "\tb"],
        ["To:a"],
        ["To : a"],
        ["To"],
        ["no header"],
        [": a"],
        [""],
        [f"x{number}: a" for number in range(MAX_HEADERS + 1)],
    ],
)
def test_all_other_rows_are_left_to_who_reads_any(lines: list[str]) -> None:
    """What comes twice, folds, liberties, and what is wrong."""
    assert usual_rows(lines) is None


def test_folded_rows_are_read_as_one() -> None:
    """The rows they were read from are given unfolded."""
    headers, rows = parse_rows(["Via: a", "To: A", " B", "\t<sip:a@h>", "s: x"])

    assert [("via", "a"), ("to", "A B <sip:a@h>"), ("subject", "x")] == headers
    assert ["Via: a", "To: A B <sip:a@h>", "s: x"] == rows


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Subject", "Header row without a colon"),
        ("no header at all", "Bad header field name"),
        ("odd", "Header row without a colon"),
        (": x", "Bad header field name"),
        ("a@b: x", "Bad header field name"),
        ("a b: x", "Bad header field name"),
        ("\u212a: x", "Bad header field name"),
        ("", "Bad header field name"),
        (" a: b", "White space before the first header field"),
    ],
)
def test_a_line_that_is_no_header_is_malformed(line: str, reason: str) -> None:
    """A Kelvin sign is no k, whatever lower() says."""
    with pytest.raises(MalformedMessage, match=reason):
        parse_rows([line])


def test_the_limit_is_on_header_fields() -> None:
    """Folds do not count, one field too many does (7-27)."""
    full = ["a: b", " c"] * MAX_HEADERS

    headers, rows = parse_rows(full)

    assert MAX_HEADERS == len(headers) == len(rows)
    with pytest.raises(MalformedMessage, match="Too many header fields"):
        parse_rows([*full, "a: b"])
    with pytest.raises(MalformedMessage, match="Too many header fields"):
        parse_rows(["a: b"] * (MAX_HEADERS + 1))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_broken_head_is_read_as_far_as_it_goes(end: str) -> None:
    """Any line end, folds, rows that make no sense left out, nothing behind an empty line."""
    lines = ["START", "v : a", " b", "no header", "@: x", "To:c", "", "Evil: yes"]

    assert ("START", [("via", "a b"), ("to", "c")], ["v : a b", "To:c"]) == salvage_head(
        end.join(lines)
    )


def test_nothing_salvaged_can_break_a_reply() -> None:
    """CR and NUL become spaces, LF ends a row (16-37)."""
    start, headers, rows = salvage_head("S\0T\r\nTo: a\rb\0c\nFrom: d\r\n\r\n")

    assert "S T" == start
    assert [("to", "a b c"), ("from", "d")] == headers
    assert ["To: a b c", "From: d"] == rows


def test_a_head_of_one_line_has_no_headers() -> None:
    """Nothing is nothing."""
    assert ("", [], []) == salvage_head("")
    assert ("x", [], []) == salvage_head("x")


def test_no_more_is_salvaged_than_a_whole_message_may_hold() -> None:
    """The rest could only cost time."""
    assert MAX_HEADERS == len(salvage_head("START" + "\na: b" * 9_999)[1])
