"""RFC 4475 §3.1.2: messages that break the grammar."""

from tests.sip.torture.text import SDP, spell

BADINV01 = spell(
    """\
INVITE sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=134
Max-Forwards: 7
Call-ID: badinv01.1@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;;,;,,
Contact: "Joe" <sip:joe@example.org>;;;;
Content-Length: {length}
Content-Type: application/sdp
""",
    SDP,
)
"""Commas and semicolons with nothing between them."""

CLERR = spell(
    """\
INVITE sip:user@example.com SIP/2.0
Max-Forwards: 80
To: sip:j.user@example.com
From: sip:caller@example.net;tag=93942939o2
Contact: <sip:caller@hungry.example.net>
Call-ID: clerr.1@192.0.2.16
CSeq: 8 INVITE
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKclerr
Content-Type: application/sdp
Content-Length: 9999
""",
    SDP,
)
"""More body announced than there is."""

NCL = spell(
    """\
INVITE sip:user@example.com SIP/2.0
Max-Forwards: 254
To: sip:j.user@example.com
From: sip:caller@example.net;tag=32394234
Call-ID: ncl.1@192.0.2.17
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.17;branch=z9hG4bKncl
Content-Length: -999
Content-Type: application/sdp
Contact: <sip:caller@host5.example.net>
""",
    SDP,
)
"""A body of less than nothing."""

SCALAR02 = spell(
    f"""\
REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKscalar02
To: <sip:user@example.com>
From: <sip:user@example.com>;tag=239232jh3
CSeq: 36893488147419103232 REGISTER
Call-ID: scalar02.1@192.0.2.18
Max-Forwards: 300
Expires: 1{"0" * 100}
Contact: <sip:user@host129.example.com>;expires=280297596632815
Content-Length: 0
"""
)
"""Numbers beyond their range in a request: CSeq 2**65, Max-Forwards 300, lifetimes of ages."""

SCALARLG = spell(
    """\
SIP/2.0 503 Service Unavailable
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKscalarlg
To: <sip:user@example.com>
From: sip:other@example.net;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: scalarlg.1@192.0.2.19
Retry-After: 949302838503028349304023988
Warning: 1812 overture "In Progress"
Content-Length: 0
"""
)
"""Numbers beyond their range in a response."""

QUOTBAL = spell(
    """\
INVITE sip:user@example.com SIP/2.0
To: "Mr. J. User <sip:j.user@example.com>
From: sip:caller@example.net;tag=93334
Max-Forwards: 10
Call-ID: quotbal.1@192.0.2.20
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKquotbal
Content-Type: application/sdp
Content-Length: {length}
""",
    SDP,
)
"""A quoted string that does not end."""


def _invite(name: str, start_line: str, date: str = "Fri, 01 Jan 2010 16:00:00 GMT") -> bytes:
    return spell(
        f"""\
{start_line}
To: sip:user@example.com
From: sip:caller@example.net;tag=39291
Max-Forwards: 23
Call-ID: {name}.1@192.0.2.5
CSeq: 1 INVITE
Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK{name}
Date: {date}
Contact: <sip:caller@host5.example.net>
Content-Type: application/sdp
Content-Length: {{length}}
""",
        SDP,
    )


LTGTRURI = _invite("ltgtruri", "INVITE <sip:user@example.com> SIP/2.0")
"""Brackets round the Request-URI."""

LWSRURI = _invite("lwsruri", "INVITE sip:user@example.com; lr SIP/2.0")
"""White space inside the Request-URI."""

LWSSTART = _invite("lwsstart", "INVITE  sip:user@example.com  SIP/2.0")
"""More than one space between the parts of the request line."""

TRWS = spell(
    """\
OPTIONS sip:remote-target@example.com SIP/2.0\x20\x20
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bKtrws
To: <sip:remote-target@example.com>
From: <sip:local-resource@example.com>;tag=329429089
Call-ID: trws.1@192.0.2.24
Max-Forwards: 70
CSeq: 238923 OPTIONS
Content-Length: 0
"""
)
"""Spaces behind the request line."""

ESCRURI = _invite("escruri", "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0")
"""A Route header hidden in the Request-URI."""

BADDATE = _invite("baddate", "INVITE sip:user@example.com SIP/2.0", "Fri, 01 Jan 2010 16:00:00 EST")
"""A Date in a time zone other than GMT."""

REGBADCT = spell(
    """\
REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=998332
Max-Forwards: 70
Call-ID: regbadct.1@192.0.2.27
CSeq: 1 REGISTER
Via: SIP/2.0/UDP 135.180.130.133:5060;branch=z9hG4bKregbadct
Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E
l: 0
"""
)
"""A Contact without brackets, whose question mark needs them."""


def _options(name: str, version: str, from_: str, to: str) -> bytes:
    return spell(
        f"""\
OPTIONS sip:t.watson@example.org SIP/{version}
Via:     SIP/{version}/UDP c.example.com:5060;branch=z9hG4bK{name}
Max-Forwards:     70
From:    {from_};tag=433423
To:      {to}
Call-ID: {name}.1@192.0.2.28
CSeq:    3923239 OPTIONS
l: 0
"""
    )


BADASPEC = _options(
    "badaspec",
    "2.0",
    '"Bell, Alexander" <sip:a.g.bell@example.com>',
    '"Watson, Thomas" < sip:t.watson@example.org >',
)
"""White space inside angle brackets."""

BADDN = _options(
    "baddn",
    "2.0",
    "Bell, Alexander <sip:a.g.bell@example.com>",
    "Watson, Thomas <sip:t.watson@example.org>",
)
"""Commas in display names that are not quoted."""

BADVERS = _options(
    "badvers", "7.0", "A. Bell <sip:a.g.bell@example.com>", "T. Watson <sip:t.watson@example.org>"
)
"""A version of SIP there is not, in the request line and in the Via."""

MISMATCH01 = spell(
    """\
OPTIONS sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch01.1@192.0.2.31
CSeq: 8 INVITE
Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKmismatch01
l: 0
"""
)
"""The method of the request line is not that of CSeq."""

MISMATCH02 = spell(
    """\
NEWMETHOD sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch02.1@192.0.2.32
CSeq: 8 INVITE
Contact: <sip:caller@host.example.net>
Via: SIP/2.0/UDP host.example.net;branch=z9hG4bKmismatch02
Content-Type: application/sdp
l: {length}
""",
    SDP,
)
"""The same, with a method nobody knows."""

BIGCODE = spell(
    """\
SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bKbigcode
Call-ID: bigcode.1@192.0.2.33
CSeq: 353494 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>
"""
)
"""A status that is 5 in 32 bits, and no status in any."""
