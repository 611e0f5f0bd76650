"""RFC 4475 §3.2 to §3.4: well-formed messages that cannot be taken as they are."""

from tests.sip.torture.text import SDP, spell

BADBRANCH = spell(
    """\
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.1@192.0.2.1
CSeq: 8 OPTIONS
l: 0
"""
)
"""A branch that is the cookie and nothing else, so it tells no transaction from another."""

INSUF = spell(
    """\
INVITE sip:user@example.com SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKinsuf
Content-Type: application/sdp
l: {length}
""",
    SDP,
)
"""No Call-ID, no From, no To."""


def _options(name: str, uri: str, extra: str = "", via: str = "UDP host3.example.com") -> bytes:
    return spell(
        f"""\
OPTIONS {uri} SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: {0 if name == "zeromf" else 3}
Call-ID: {name}.1@192.0.2.2
CSeq: 8 OPTIONS
Via: SIP/2.0/{via};branch=z9hG4bK{name}
{extra}l: 0
"""
    )


UNKSCM = _options(
    "unkscm", "nobodyKnowsThisScheme:totallyopaquecontent", via="TCP host3.example.com"
)
"""A Request-URI of a scheme nobody knows."""

NOVELSC = _options("novelsc", "soap.beep://192.0.2.103:3002", via="TCP host3.example.com")
"""A Request-URI of a scheme that is known, and not for SIP."""

UNKSM2 = spell(
    """\
REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Max-Forwards: 70
Call-ID: unksm2.1@192.0.2.5
CSeq: 234902 REGISTER
Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKunksm2
Contact: <name:John_Smith>
l: 0
"""
)
"""Schemes in To, From and Contact of which no AOR can be made."""

BEXT01 = _options(
    "bext01",
    "sip:user@example.com",
    "Require: nothingSupportsThis, nothingSupportsThisEither\n"
    "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\n",
    "TLS fold-and-staple.example.com",
)
"""Extensions required of the server and of every proxy, and had by none."""

INVUT = spell(
    """\
INVITE sip:user@example.com SIP/2.0
Contact: <sip:caller@host5.example.net>
To: sip:j.user@example.com
From: sip:caller@example.net;tag=8392034
Max-Forwards: 70
Call-ID: invut.1@192.0.2.7
CSeq: 235448 INVITE
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinvut
Content-Type: application/unknownformat
Content-Length: {length}
""",
    b'<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n',
)
"""A body of a type nobody knows."""


def _register(name: str, user: str, rows: str) -> bytes:
    return spell(
        f"""\
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bK{name}
Max-Forwards: 70
From: sip:{user}@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:{user}@example.com
Call-ID: {name}.1@192.0.2.8
CSeq: 2 REGISTER
{rows}Content-Length: 0
"""
    )


REGAUT01 = _register(
    "regaut01",
    "j.user",
    "Contact: sip:j.user@host.example.com\nAuthorization: NoOneKnowsThisScheme opaque-data=here\n",
)
"""Credentials of a scheme nobody knows."""

MULTI01 = spell(
    """\
INVITE sip:user@company.example.com SIP/2.0
Contact: <sip:caller@host25.example.net>
Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKmulti01
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: multi01.1@192.0.2.9
CSeq: 59 INVITE
Call-ID: multi01.2@192.0.2.9
From: sip:caller@example.com;tag=3413415
To: sip:user@example.com
To: sip:other@example.net
From: sip:caller@example.net;tag=2923420123
Content-Type: application/sdp
l: {length}
Contact: <sip:caller@host36.example.net>
Max-Forwards: 5
""",
    SDP,
)
"""Headers twice that may be there once, each time with another value."""

MCL01 = spell(
    """\
OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKmcl01
To: sip:user@example.com
From: sip:other@example.net;tag=3923942
Call-ID: mcl01.1@192.0.2.10
CSeq: 15932 OPTIONS
Content-Length: 13
Max-Forwards: 60
Content-Length: 5
Content-Type: text/plain
""",
    b"Nobody can tell how much of this is meant.",
)
"""Two sizes for one body."""

BCAST = spell(
    """\
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bKbcast1
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbcast2
Call-ID: bcast.1@192.0.2.11
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: {length}
Content-Type: application/sdp
Contact: <sip:user@host28.example.com>
""",
    SDP,
)
"""A response that would go on to everybody on the network."""

ZEROMF = _options("zeromf", "sip:user@example.com")
"""A request that has no hop left."""

CPARAM01 = _register(
    "cparam01", "watson", "Contact: sip:+19725552222@gw1.example.net;unknownparam\n"
)
"""A parameter behind a bare Contact URI: it is the header's."""

CPARAM02 = _register(
    "cparam02", "watson", "Contact: <sip:+19725552222@gw1.example.net;unknownparam>\n"
)
"""The same parameter inside the brackets: it is the URI's."""

REGESCRT = _register(
    "regescrt",
    "user",
    "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\n",
)
"""A Contact that asks to be called with a Route of its own."""

SDP01 = spell(
    """\
INVITE sip:user@example.com SIP/2.0
To: sip:j_user@example.com
Contact: <sip:caller@host15.example.net>
From: sip:caller@example.net;tag=234
Max-Forwards: 5
Call-ID: sdp01.1@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKsdp01
Accept: text/nobodyKnowsThis
Content-Type: application/sdp
Content-Length: {length}
""",
    SDP,
)
"""An offer whose sender takes no answer of the same type."""

INV2543 = spell(
    """\
INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1@192.0.2.16
CSeq: 56 INVITE
Content-Type: application/sdp
""",
    SDP,
)
"""A request of the RFC before this one: no branch, no From tag, no Max-Forwards, no length."""
