"""PROXY headers, both versions: what is read, what has to wait, and what is none."""

import struct
from ipaddress import ip_address

import pytest

from regcluster.edge.proxy_header import MAX_LINE, MAX_OCTETS, ProxyHeader, read
from regcluster.sip.hop import Hop

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060\r\n"


def binary(first: int, family: int, body: bytes) -> bytes:
    """A header of version 2 with ``first`` for version and command."""
    return SIGNATURE + struct.pack(">BBH", first, family, len(body)) + body


def ends(source: str, port: int, destination: str = "198.51.100.1", rest: bytes = b"") -> bytes:
    """The body of such a header: two addresses, two ports, and whatever follows."""
    hosts = ip_address(source).packed + ip_address(destination).packed
    return hosts + struct.pack(">HH", port, 5060) + rest


@pytest.mark.parametrize(
    ("data", "host", "port"),
    [
        (LINE, "192.0.2.7", 40000),
        (b"PROXY TCP4 255.255.255.255 1.2.3.4 65535 1\r\n", "255.255.255.255", 65535),
        (b"PROXY TCP6 2001:DB8::7 ::1 1 5060\r\n", "2001:db8::7", 1),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:1.2.3.4 40000 5060\r\n", "192.0.2.7", 40000),
        (binary(0x21, 0x11, ends("192.0.2.7", 40000)), "192.0.2.7", 40000),
        (binary(0x21, 0x11, ends("192.0.2.7", 40000, rest=b"\x04\x00\x01x")), "192.0.2.7", 40000),
        (binary(0x21, 0x21, ends("2001:db8::7", 1, "::1")), "2001:db8::7", 1),
        (binary(0x21, 0x21, ends("::ffff:192.0.2.7", 2, "::1")), "192.0.2.7", 2),
    ],
)
def test_the_far_end_is_named(data: bytes, host: str, port: int) -> None:
    """Its address as our own sockets would spell it; the balancer's own is nobody's business."""
    assert ProxyHeader(len(data), Hop("TCP", host, port)) == read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff::1 \xff anything 7\r\n",
        binary(0x20, 0x00, b""),
        binary(0x20, 0x11, ends("192.0.2.7", 40000)),
        binary(0x20, 0x31, b"\x00" * 216),
        binary(0x21, 0x00, b"anything"),
    ],
)
def test_a_balancer_may_speak_for_itself(data: bytes) -> None:
    """It looks whether we are there, or cannot name its peer: that is no mistake."""
    assert ProxyHeader(len(data), None) == read(data)


@pytest.mark.parametrize(
    "data", [LINE, b"PROXY UNKNOWN\r\n", binary(0x21, 0x11, ends("192.0.2.7", 40000, rest=b"x"))]
)
def test_half_a_header_is_waited_for(data: bytes) -> None:
    """Wherever the segments happen to end."""
    assert {None} == {read(data[:size]) for size in range(len(data))}


@pytest.mark.parametrize("data", [LINE, binary(0x21, 0x11, ends("192.0.2.7", 40000))])
def test_what_stands_behind_a_header_is_not_part_of_it(data: bytes) -> None:
    """The first message may come in the same segment."""
    header = read(data + b"OPTIONS sip:example.com SIP/2.0\r\n")

    assert ProxyHeader(len(data), Hop("TCP", "192.0.2.7", 40000)) == header


@pytest.mark.parametrize(
    "data",
    [
        b"R",
        b"REGISTER sip:example.com SIP/2.0\r\n",
        b"proxy TCP4",
        b"\r\n\r\nREGISTER",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060 7\r\n",
        b"PROXY TCP4  192.0.2.7 198.51.100.1 40000 5060\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 40000 5060\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4 2001:db8::7 198.51.100.1 40000 5060\r\n",
        b"PROXY TCP4 192.0.2.7 2001:db8::7 40000 5060\r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.1 40000 5060\r\n",
        b"PROXY TCP4 phone.example.com 198.51.100.1 40000 5060\r\n",
        b"PROXY TCP6 192.0.2.7 ::1 40000 5060\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 40000 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 0 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 040 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 100000 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 x\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 4\xd9\xa0000 5060\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060 ".ljust(MAX_LINE, b"x"),
        b"PROXY UNKNOWN ".ljust(MAX_LINE - 1, b"x") + b"\r\n",
        binary(0x11, 0x11, ends("192.0.2.7", 40000)),
        binary(0x31, 0x11, ends("192.0.2.7", 40000)),
        binary(0x22, 0x11, ends("192.0.2.7", 40000)),
        binary(0x21, 0x12, ends("192.0.2.7", 40000)),
        binary(0x21, 0x31, b"\x00" * 216),
        binary(0x21, 0x11, ends("192.0.2.7", 40000)[:-1]),
        binary(0x21, 0x21, ends("2001:db8::7", 1, "::1")[:-1]),
        binary(0x21, 0x11, ends("192.0.2.7", 0)),
        binary(0x21, 0x11, ends("192.0.2.7", 1, rest=b"x" * MAX_OCTETS))[:16],
    ],
)
def test_anything_else_is_no_header(data: bytes) -> None:
    """Told as soon as it is certain: nobody waits for the rest of it."""
    with pytest.raises(ValueError, match=r".+"):
        read(data)


def test_the_longest_line_is_taken() -> None:
    """107 octets, as the protocol has it; one that is longer is among those above."""
    line = b"PROXY UNKNOWN ".ljust(MAX_LINE - 2, b"x") + b"\r\n"

    assert ProxyHeader(MAX_LINE, None) == read(line)
