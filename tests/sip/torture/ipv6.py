"""RFC 5118 §4: IPv6 addresses where they are easily misread."""

from tests.sip.torture.text import spell

VIA = "SIP/2.0/UDP [2001:db8::9:1]"
OFFER = """\
v=0
o=caller 971731711378798081 0 IN IP6 2001:db8::20
s=-
c=IN IP6 2001:db8::20
t=0 0
m=audio 6000 RTP/AVP 0
"""


def _lines(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def _register(name: str, uri: str) -> bytes:
    return spell(
        f"""\
REGISTER {uri} SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: {VIA};branch=z9hG4bK{name}
Call-ID: {name}.1@[2001:db8::9:1]
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0
"""
    )


def _bodiless(name: str, method: str, uri: str, vias: str) -> bytes:
    return spell(
        f"""\
{method} {uri} SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:caller@[2001:db8::9:1];tag=81x2
{vias}
Call-ID: {name}.1@[2001:db8::9:1]
Max-Forwards: 70
CSeq: 98176 {method}
Content-Length: 0
"""
    )


def _offer(name: str, uri: str, via: str, contact: str, body: str) -> bytes:
    return spell(
        f"""\
INVITE {uri} SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=81x2
Via: {via};branch=z9hG4bK{name}
Call-ID: {name}.1@[2001:db8::20]
Max-Forwards: 70
CSeq: 8612 INVITE
Contact: {contact}
Content-Type: application/sdp
Content-Length: {{length}}
""",
        _lines(body),
    )


GOOD = _register("ipv6-good", "sip:[2001:db8::10]")
"""An address in its brackets."""

BAD = _register("ipv6-bad", "sip:2001:db8::10")
"""The same without them."""

AMBIGUOUS = _register("port-ambiguous", "sip:[2001:db8::10:5070]")
"""What was meant for a port is the end of the address."""

UNAMBIGUOUS = _register("port-unambiguous", "sip:[2001:db8::10]:5070")
"""A port behind the brackets."""

RECEIVED_WITH = _bodiless(
    "received-with",
    "BYE",
    "sip:user@[2001:db8::10]",
    f"Via: {VIA};received=[2001:db8::9:255];branch=z9hG4bKwith",
)
"""``received`` in brackets, as the grammar once had it."""

RECEIVED_WITHOUT = _bodiless(
    "received-without",
    "OPTIONS",
    "sip:user@[2001:db8::10]",
    f"Via: {VIA};received=2001:db8::9:255;branch=z9hG4bKwithout",
)
"""``received`` as a bare address, which is how we write it ourselves."""

IN_SDP = _offer("ipv6-in-sdp", "sip:user@[2001:db8::10]", VIA, "<sip:caller@[2001:db8::20]>", OFFER)
"""SDP, which has no brackets."""

MULT_IN_HEADER = _bodiless(
    "mult-ip-in-header",
    "BYE",
    "sip:user@host.example.net",
    "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKm1\n"
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKm2\n"
    "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bKm3",
)
"""Hops of both families behind each other."""

MULT_IN_SDP = _offer(
    "mult-ip-in-sdp",
    "sip:user@[2001:db8::10]",
    VIA,
    "<sip:caller@[2001:db8::20]>",
    OFFER + "m=video 53000 RTP/AVP 31\nc=IN IP4 192.0.2.7\n",
)
"""Media of both families in one offer."""

MAPPED = _offer(
    "ipv4-mapped",
    "sip:user@example.com",
    "SIP/2.0/UDP [::ffff:192.0.2.10]:19823",
    '"T. desk phone" <sip:ted@[::ffff:192.0.2.2]>',
    OFFER.replace("2001:db8::20", "::ffff:192.0.2.2"),
)
"""IPv4 in the clothes of IPv6."""

THREE_COLONS = _bodiless(
    "three-colons", "OPTIONS", "sip:user@[2001:db8:::192.0.2.1]", f"Via: {VIA};branch=z9hG4bKthree"
)
"""A colon too many, which an old misprint of the grammar asked for."""

TWO_COLONS = _bodiless(
    "two-colons", "OPTIONS", "sip:user@[2001:db8::192.0.2.1]", f"Via: {VIA};branch=z9hG4bKtwo"
)
"""The same address written as it should be."""
