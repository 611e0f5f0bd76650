"""What hostile text does: raise ``SipError`` at most, and cost no more than honest text (7-27).

First whatever Hypothesis thinks of: noise, and messages of the torture corpus with octets cut out
and put in. Then samples of some 60,000 octets, each built to be slow: read in linear time it takes
a few hundredths of a second at most; in quadratic time, several seconds.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regcluster.errors import MalformedHeader, MalformedMessage, SipError
from regcluster.sip.framer import StreamFramer
from regcluster.sip.grammar import parse_params, split_list, unquote
from regcluster.sip.headers import (
    parse_contacts,
    parse_cseq,
    parse_delta,
    parse_expires,
    parse_max_forwards,
    parse_name_addr,
    parse_q,
    parse_via,
)
from regcluster.sip.hop import Hop, reply_hop, via_hop
from regcluster.sip.message import Request, Response
from regcluster.sip.parser import BadRequest, parse
from regcluster.sip.reply import Reply, render_reply
from regcluster.sip.uri import equivalent, parse_uri
from regcluster.sip.usual import read_usual
from tests.sip.torture.index import CORPUS
from tests.wire import AOR, Rows, message, register, request, response

SOURCE = Hop("UDP", "192.0.2.99", 5099)

MANY = settings(max_examples=12 * settings().max_examples)
"""An example takes a fraction of a millisecond."""

STRAYS = (
    *(b"\r\n", b"\r", b"\n", b"\0", b"\\", b"\\\0", b"\r\n ", b"\r\n\r\n", b"\xff", b"\xc2\xb2"),
    *(b'"', b"<", b">", b",", b";", b":", b"=", b"@", b"%", b"%00", b"?", b"*", b"[", b"]", b" "),
    *(b"\r\nVia: ", b"\r\nm: ", b";rport", b";tag=", b";q=", b";expires=", b"sip:", b"9" * 30),
)
"""What means something somewhere in a message, to be put where it means something else."""

MESSAGES = [case.data for case in CORPUS.values()] + [register(), request("INVITE"), response()]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A message, good or bad, with octets cut out of some of its lines and others put in."""
    # Hypothesis prefers beginnings and ends; what matters here lies anywhere.
    chance = draw(st.randoms(use_true_random=True))
    lines = chance.choice(MESSAGES).split(b"\r\n")
    for _ in range(chance.randint(1, 3)):
        row = chance.randrange(len(lines))
        at = chance.randint(0, len(lines[row]))
        end = at + chance.choice((0, 0, 1, 9))
        lines[row] = lines[row][:at] + chance.choice(STRAYS) + lines[row][end:]
    return b"\r\n".join(lines)


def outcome(data: bytes, *, stream: bool = False) -> Request | Response | SipError:
    """What ``parse`` gives or raises, as long as that is what it may raise."""
    try:
        return parse(data, stream=stream)
    except SipError as broken:
        return broken


def cut(chunks: list[bytes]) -> tuple[list[object], str]:
    """What a stream is cut into, and why it ended."""
    framer = StreamFramer()
    pieces: list[object] = []
    try:
        for chunk in chunks:
            framer.feed(chunk)
            while piece := framer.next():
                pieces.append(piece)
    except SipError as broken:
        return pieces, str(broken)
    return pieces, ""


def read_uri(text: str) -> None:
    uri = parse_uri(text)

    assert equivalent(uri, uri)


READERS: tuple[Callable[[str], object], ...] = (
    *(read_uri, split_list, parse_params, unquote, parse_name_addr, parse_via, parse_cseq),
    *(parse_q, parse_delta, parse_expires, parse_max_forwards),
    lambda text: via_hop(parse_via(text)),
    lambda text: parse_contacts([text]),
)
"""All that is ever asked about the value of a header."""


@MANY
@given(st.binary(max_size=400) | mangled())
def test_parse_raises_only_sip_errors(data: bytes) -> None:
    """A message or a reason, for a datagram and for what a stream was cut into."""
    for stream in (False, True):
        assert isinstance(outcome(data, stream=stream), Request | Response | SipError)


@MANY
@given(mangled())
def test_readers_raise_only_malformed_header(data: bytes) -> None:
    """Whatever header is read as whatever it is not."""
    read = outcome(data)
    if not isinstance(read, SipError):
        for value in [value for _, value in read.headers]:
            for reader in READERS:
                with suppress(MalformedHeader):
                    reader(value)


@MANY
@given(mangled())
def test_nothing_that_comes_adds_a_line_to_a_reply(data: bytes) -> None:
    """Good or bad, its answer has the rows it should have, each ended by CRLF (16-37)."""
    read = outcome(data)
    asked = read.request if isinstance(read, BadRequest) else read
    if isinstance(asked, Request):
        reply = render_reply(asked, Reply(400, "Bad Request", []), SOURCE)
        echoed = [name for name in ("from", "to", "call-id", "cseq") if name in asked.by_name]

        rows = len(asked.all("via")) + len(echoed)
        assert rows + len(("status", "Server", "Content-Length")) == reply.count(b"\r\n") - 1
        assert reply.count(b"\r") == reply.count(b"\n") == reply.count(b"\r\n")
        assert b"\0" not in reply.replace(b"\\\\", b"").replace(b"\\\0", b"")
        assert SOURCE.host == reply_hop(asked.via, SOURCE).host


@MANY
@given(mangled(), st.integers(1, 99))
def test_a_stream_is_cut_alike_however_it_arrives(data: bytes, size: int) -> None:
    """In one piece or in many: the same messages, and the same end."""
    assert cut([data]) == cut([data[at : at + size] for at in range(0, len(data), size)])


@contextmanager
def linear_time(limit: float = 1.0) -> Iterator[None]:
    """Fail if what happens inside takes more than ``limit`` seconds of CPU."""
    start = process_time()
    yield

    assert limit > process_time() - start


def options(**headers: Rows) -> bytes:
    return request("OPTIONS", AOR, b"", **headers)


@pytest.mark.parametrize(
    "text",
    [
        '"' + "\\a" * 30_000,
        '"' + "\\a" * 30_000 + '"',
        ",".join(["a"] * 30_000),
        "<>," * 20_000 + "a",
        '"",' * 20_000 + "a",
        ";a" + " " * 60_000,
        ";a" + "=b" * 30_000 + " ",
        "".join([f";p{n}=v" for n in range(8_000)]),
        ';a="' + '\\"' * 30_000,
    ],
)
def test_grammar_is_linear(text: str) -> None:
    """Lists, parameters and quoted strings."""
    with linear_time():
        for read in (split_list, parse_params, unquote):
            with suppress(MalformedHeader):
                read(text)


@pytest.mark.parametrize(
    "text",
    [
        "sip:" + "a" * 60_000,
        "sip:" + "%41" * 20_000 + "!@h",
        "sip:" + "a." * 30_000 + "!",
        "sip:" + "a." * 30_000 + "1",
        "sip:h;" + ";".join([f"p{n}=1" for n in range(6_000)]),
        "sip:h" + ";a=b" * 15_000 + "=",
        "sip:h?" + "&".join(["a=b"] * 15_000),
        "sip:[" + ":" * 60_000 + "]",
        "sip:" + "@" * 60_000,
        "sip:h:" + "0" * 60_000,
    ],
)
def test_uris_are_linear(text: str) -> None:
    """Reading them and comparing them."""
    with linear_time(), suppress(MalformedHeader):
        uri = parse_uri(text)
        equivalent(uri, uri)


@pytest.mark.parametrize(
    "text",
    [
        '"' + "\\a" * 30_000,
        "a" * 60_000,
        "<" + "a" * 60_000,
        "<sip:a@h>" + ";a" * 30_000,
        "a " * 30_000 + "<sip:a@h>",
        "SIP/2.0/UDP 192.0.2.1" + ";a=b" * 15_000,
        "SIP/2.0/UDP 192.0.2.1" + ";a=b" * 15_000 + " ",
        "SIP" + " " * 60_000 + "/2.0/UDP h",
        "SIP/2.0/UDP" + " " * 60_000,
        "<sip:a@h>;" + ";".join([f"p{n}=1" for n in range(6_000)]),
        ",".join(["<sip:a@h>"] * 6_000),
        "SIP/2.0/UDP 192.0.2.1;branch=" + "a" * 60_000,
        "SIP/2.0/UDP 192.0.2.1;branch=b\n" + "a" * 30_000 + "<sip:b@h>\n" + "a" * 30_000,
    ],
)
def test_header_values_are_linear(text: str) -> None:
    """Whatever header they are taken for."""
    with linear_time():
        for read in (parse_name_addr, read_usual, parse_via, parse_cseq, parse_q):
            with suppress(MalformedHeader):
                read(text)
        with suppress(MalformedHeader):
            parse_expires(text)
        with suppress(MalformedHeader):
            parse_contacts([text])


@pytest.mark.parametrize(
    "data",
    [
        message("OPTIONS sip:h SIP/2.0", {"via": "SIP/2.0/UDP h"}) + b"x" * 60_000,
        options().replace(b"\r\n\r\n", b"\r\n" + b"a:b\r\n" * 12_000 + b"\r\n"),
        options(x_odd="a" + "\r\n " * 20_000),
        options(x_odd="a" + "\r\n b" * 15_000),
        options(x_odd=" " * 60_000 + "b"),
        options(x_odd="\r" * 60_000),
        options(x_odd="\n" * 60_000),
        options(x_odd="\0" * 60_000),
        options(x_odd="\\" * 60_000 + "\0"),
        options(x_odd="\u2028" * 20_000),
        options(via=["SIP/2.0/UDP h"] * 200 + ["," * 55_000]),
        options(via="SIP/2.0/UDP h;branch=b" + ",SIP/2.0/UDP h" * 4_000),
        options(contact="<sip:a@h>" + "".join([f";p{n}=1" for n in range(5_000)])),
        options(from_='"' + "\\a" * 30_000),
        options(call_id="a" * 60_000, cseq="9" * 60_000),
        b"\r\n" * 30_000 + b"x",
        b"OPTIONS " + b" " * 60_000 + b"\r\n\r\n",
        b"\xff" * 60_000,
    ],
)
def test_datagrams_are_linear(data: bytes) -> None:
    """Read, or refused with what could be read (18-13)."""
    with linear_time(), suppress(MalformedMessage):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [
        request("MESSAGE", AOR, b"x" * 60_000),
        options(x_odd="a" * 60_000),
        options(x_odd="\r\n " * 20_000),
        b"\r\n" * 30_000,
    ],
)
def test_a_stream_of_single_octets_is_linear(data: bytes) -> None:
    """60,000 segments cost about as many steps."""
    framer = StreamFramer()
    with linear_time(1.5):
        for octet in data:
            framer.feed(bytes([octet]))
            while framer.next() is not None:
                continue

    assert not framer.is_partial
