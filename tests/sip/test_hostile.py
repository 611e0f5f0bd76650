"""What hostile text costs: no more than as much honest text would (7-27, 18-16).

Each sample is some 60,000 octets built to be slow. Read in linear time it takes a few hundredths of
a second at most; in quadratic time, several seconds.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import process_time

import pytest

from regcluster.errors import MalformedHeader, MalformedMessage
from regcluster.sip.framer import StreamFramer
from regcluster.sip.grammar import parse_params, split_list, unquote
from regcluster.sip.headers import (
    is_usual_address,
    parse_contacts,
    parse_cseq,
    parse_expires,
    parse_name_addr,
    parse_q,
    parse_via,
)
from regcluster.sip.parser import parse
from regcluster.sip.uri import equivalent, parse_uri
from tests.wire import AOR, Rows, message, request


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
    ],
)
def test_header_values_are_linear(text: str) -> None:
    """Whatever header they are taken for."""
    with linear_time():
        for read in (parse_name_addr, is_usual_address, parse_via, parse_cseq, parse_q):
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
