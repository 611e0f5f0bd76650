"""Messages as values: how their rows are read (RFC 3261 §7.3)."""

from collections.abc import Sequence

import pytest

from regcluster.errors import MalformedHeader
from regcluster.sip.headers import CSeq, NameAddr, Via
from regcluster.sip.message import LONG_NAMES, Request, Response


def request(*headers: tuple[str, str]) -> Request:
    return Request("OPTIONS", "sip:h", list(headers), [f"{n}: {v}" for n, v in headers], b"")


ROWS = [
    ("via", "SIP/2.0/UDP a, SIP/2.0/UDP b"),
    ("to", "<sip:a@h>"),
    ("via", "SIP/2.0/TCP c"),
    ("supported", ""),
]


def test_the_first_row_of_a_name_is_found() -> None:
    """The first, not the last, as its sender joined it; None where there is none."""
    message = request(*ROWS)

    assert "SIP/2.0/UDP a, SIP/2.0/UDP b" == message.first("via")
    assert "" == message.first("supported")
    assert message.first("from") is None


def test_all_rows_of_a_name_come_in_order() -> None:
    """Rows are not cut at commas, for some headers hold commas of their own (7-12)."""
    message = request(*ROWS)

    assert ["SIP/2.0/UDP a, SIP/2.0/UDP b", "SIP/2.0/TCP c"] == message.all("via")
    assert [] == message.all("from")
    assert [[""], []] == [request(("supported", "")).all(name) for name in ("supported", "via")]


def test_values_are_cut_at_commas() -> None:
    """Rows and commas together make one list, order kept (7-10)."""
    assert ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/TCP c"] == request(*ROWS).values("via")


def test_an_empty_row_is_no_list() -> None:
    """Whoever allows a header to be empty has to ask for its rows."""
    with pytest.raises(MalformedHeader):
        request(*ROWS).values("supported")


def test_the_topmost_via_is_read_once() -> None:
    """The same object is given again: nobody changes it."""
    message = request(*ROWS)

    assert Via("UDP", "a", None, {}) == message.via
    assert message.via is message.via


@pytest.mark.parametrize("rows", [[], [("via", "")], [("via", "x")], [("via", "SIP/2.0/UDP a,")]])
def test_a_via_that_cannot_be_read_is_malformed(rows: Sequence[tuple[str, str]]) -> None:
    """Whoever asks for it hears that there is none, each time."""
    message = request(*rows)
    for _ in range(2):
        with pytest.raises(MalformedHeader):
            _ = message.via


def test_the_cseq_is_read_once() -> None:
    """Parser, registrar and proxy all look at it."""
    message = request(("cseq", "7 OPTIONS"))

    assert CSeq(7, "OPTIONS") == message.cseq
    assert message.cseq is message.cseq


@pytest.mark.parametrize("rows", [[], [("cseq", "")], [("cseq", "x")]])
def test_a_cseq_that_cannot_be_read_is_malformed(rows: Sequence[tuple[str, str]]) -> None:
    """As with a Via."""
    with pytest.raises(MalformedHeader):
        _ = request(*rows).cseq


def test_the_to_is_read_once() -> None:
    """Parser, registrar and reply all look at it."""
    message = request(("to", '"Alice" <sip:alice@a>;tag=1'))

    assert NameAddr('"Alice"', "sip:alice@a", {"tag": "1"}) == message.to
    assert message.to is message.to


@pytest.mark.parametrize("rows", [[], [("to", "")], [("to", "<sip:alice@a")]])
def test_a_to_that_cannot_be_read_is_malformed(rows: Sequence[tuple[str, str]]) -> None:
    """As with a Via."""
    with pytest.raises(MalformedHeader):
        _ = request(*rows).to


USUAL = {
    "via": "SIP/2.0/UDP 192.0.2.1;branch=b",
    "from": "<sip:b@h>;tag=1",
    "to": "<sip:a@h>",
    "call-id": "c1",
    "cseq": "7 OPTIONS",
}


def test_usual_headers_are_read_together() -> None:
    """Nobody reads them again."""
    message = Request("OPTIONS", "sip:h", USUAL, [], b"")

    assert message.read_usual()
    assert Via("UDP", "192.0.2.1", None, {"branch": "b"}) == message.via
    assert NameAddr("", "sip:a@h", {}) == message.to
    assert CSeq(7, "OPTIONS") == message.cseq


@pytest.mark.parametrize("rows", [{}, {**USUAL, "cseq": "7"}, {"via": USUAL["via"]}])
def test_unusual_headers_are_not(rows: dict[str, str]) -> None:
    """Each is left to who asks for it."""
    assert not Request("OPTIONS", "sip:h", rows, [], b"").read_usual()


def test_rows_are_kept_in_order() -> None:
    """However they were given."""
    assert ROWS == request(*ROWS).headers
    assert list(USUAL.items()) == Request("OPTIONS", "sip:h", USUAL, [], b"").headers


def test_a_name_may_come_twice() -> None:
    """Rows by name have none that does."""
    assert request(*ROWS).is_repetitive
    assert not request(*ROWS[:2]).is_repetitive
    assert not Request("OPTIONS", "sip:h", USUAL, [], b"").is_repetitive


def test_messages_are_equal_if_they_say_the_same() -> None:
    """What has been read of a message makes no difference."""
    read, unread = request(*ROWS), request(*ROWS)

    assert read.via.host == "a"
    assert unread == read
    assert unread != request(("to", "<sip:a@h>"))


def test_a_response_reads_like_a_request() -> None:
    """Rows are rows."""
    response = Response(200, "OK", ROWS, [], b"")

    assert "<sip:a@h>" == response.first("to")
    assert "a" == response.via.host


def test_each_letter_stands_for_a_long_name() -> None:
    """The compact forms of RFC 3261 §7.3.3 and of its extensions (7-14)."""
    letters = "abcdefijklmorstuvxy"

    assert letters == "".join(sorted(LONG_NAMES))
    assert len(letters) == len(set(LONG_NAMES.values()))
    assert "call-id" == LONG_NAMES["i"]
