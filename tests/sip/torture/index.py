"""All torture messages: 49 of RFC 4475, 12 of RFC 5118, and what the parser owes each.

``Read`` names the start line it is read to, ``Refused`` the answer its sender gets, ``Dropped``
the reason why nobody gets one. Some that are read are refused further in: the registrar's part
is in ``test_torture.py``, the whole server's answers are in ``tests/edge/test_torture_answers.py``.
"""

from dataclasses import dataclass

from tests.sip.torture import invalid, ipv6, other, valid


@dataclass(slots=True)
class Read:
    """A method and a Request-URI, or a status and a phrase."""

    what: str | int
    rest: str


@dataclass(slots=True)
class Refused:
    """A request that is answered with an error."""

    status: int
    reason: str


@dataclass(slots=True)
class Dropped:
    """A message that is not answered."""

    reason: str


@dataclass(slots=True)
class Case:
    """One message: its name in the RFC, the section, its octets, what the parser makes of it."""

    name: str
    section: str
    data: bytes
    outcome: Read | Refused | Dropped


_ODD_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
_ODD_URI = (
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com"
)
_USER = "sip:user@example.com"

_VALID = [
    Case(
        "wsinv",
        "4475 §3.1.1.1",
        valid.WSINV,
        Read("INVITE", "sip:carol@switchboard.example.com;unknownparam"),
    ),
    Case("intmeth", "4475 §3.1.1.2", valid.INTMETH, Read(_ODD_METHOD, _ODD_URI)),
    Case(
        "esc01",
        "4475 §3.1.1.3",
        valid.ESC01,
        Read("INVITE", "sip:sips%3Auser%40example.com@example.net"),
    ),
    Case("escnull", "4475 §3.1.1.4", valid.ESCNULL, Read("REGISTER", "sip:example.com")),
    Case("esc02", "4475 §3.1.1.5", valid.ESC02, Read("RE%47IST%45R", "sip:registrar.example.com")),
    Case("lwsdisp", "4475 §3.1.1.6", valid.LWSDISP, Read("OPTIONS", _USER)),
    Case("longreq", "4475 §3.1.1.7", valid.LONGREQ, Read("INVITE", _USER)),
    Case("dblreq", "4475 §3.1.1.8", valid.DBLREQ, Read("REGISTER", "sip:example.com")),
    Case(
        "semiuri",
        "4475 §3.1.1.9",
        valid.SEMIURI,
        Read("OPTIONS", "sip:user;par=u%40example.net@example.com"),
    ),
    Case("transports", "4475 §3.1.1.10", valid.TRANSPORTS, Read("OPTIONS", _USER)),
    Case("mpart01", "4475 §3.1.1.11", valid.MPART01, Read("MESSAGE", "sip:kumiko@example.org")),
    Case(
        "unreason",
        "4475 §3.1.1.12",
        valid.UNREASON,
        Read(200, "= 2**3 * 5**2 но сто девяносто девять - простое"),
    ),
    Case("noreason", "4475 §3.1.1.13", valid.NOREASON, Read(100, "")),
]

_INVALID = [
    Case("badinv01", "4475 §3.1.2.1", invalid.BADINV01, Refused(400, "Empty element in a list")),
    Case("clerr", "4475 §3.1.2.2", invalid.CLERR, Refused(400, "Body shorter than Content-Length")),
    Case("ncl", "4475 §3.1.2.3", invalid.NCL, Refused(400, "Bad Content-Length")),
    Case("scalar02", "4475 §3.1.2.4", invalid.SCALAR02, Refused(400, "Bad CSeq number")),
    Case("scalarlg", "4475 §3.1.2.5", invalid.SCALARLG, Dropped("Bad CSeq number")),
    Case(
        "quotbal",
        "4475 §3.1.2.6",
        invalid.QUOTBAL,
        Refused(400, "Bad To: Unterminated quoted string"),
    ),
    # No URI is read before somebody asks for it; whoever asks for this one raises a 400.
    Case("ltgtruri", "4475 §3.1.2.7", invalid.LTGTRURI, Read("INVITE", "<sip:user@example.com>")),
    Case("lwsruri", "4475 §3.1.2.8", invalid.LWSRURI, Refused(400, "Bad request line")),
    Case("lwsstart", "4475 §3.1.2.9", invalid.LWSSTART, Refused(400, "Bad request line")),
    Case("trws", "4475 §3.1.2.10", invalid.TRWS, Refused(400, "Bad request line")),
    Case("escruri", "4475 §3.1.2.11", invalid.ESCRURI, Refused(400, "Headers in the Request-URI")),
    Case("baddate", "4475 §3.1.2.12", invalid.BADDATE, Read("INVITE", _USER)),
    Case("regbadct", "4475 §3.1.2.13", invalid.REGBADCT, Read("REGISTER", "sip:example.com")),
    Case(
        "badaspec",
        "4475 §3.1.2.14",
        invalid.BADASPEC,
        Refused(400, "Bad To: Bad URI in angle brackets"),
    ),
    Case(
        "baddn",
        "4475 §3.1.2.15",
        invalid.BADDN,
        Refused(400, "Bad From: Bad URI without angle brackets"),
    ),
    Case("badvers", "4475 §3.1.2.16", invalid.BADVERS, Refused(505, "Version Not Supported")),
    Case(
        "mismatch01",
        "4475 §3.1.2.17",
        invalid.MISMATCH01,
        Refused(400, "CSeq method is not the request's"),
    ),
    Case(
        "mismatch02",
        "4475 §3.1.2.18",
        invalid.MISMATCH02,
        Refused(400, "CSeq method is not the request's"),
    ),
    Case("bigcode", "4475 §3.1.2.19", invalid.BIGCODE, Dropped("Bad status line")),
]

_OTHER = [
    Case("badbranch", "4475 §3.2.1", other.BADBRANCH, Read("OPTIONS", _USER)),
    Case("insuf", "4475 §3.3.1", other.INSUF, Refused(400, "Missing From header field")),
    Case(
        "unkscm",
        "4475 §3.3.2",
        other.UNKSCM,
        Read("OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent"),
    ),
    Case("novelsc", "4475 §3.3.3", other.NOVELSC, Read("OPTIONS", "soap.beep://192.0.2.103:3002")),
    Case("unksm2", "4475 §3.3.4", other.UNKSM2, Read("REGISTER", "sip:example.com")),
    Case("bext01", "4475 §3.3.5", other.BEXT01, Read("OPTIONS", _USER)),
    Case("invut", "4475 §3.3.6", other.INVUT, Read("INVITE", _USER)),
    Case("regaut01", "4475 §3.3.7", other.REGAUT01, Read("REGISTER", "sip:example.com")),
    Case("multi01", "4475 §3.3.8", other.MULTI01, Refused(400, "CSeq given twice")),
    Case("mcl01", "4475 §3.3.9", other.MCL01, Refused(400, "Content-Length given twice")),
    Case("bcast", "4475 §3.3.10", other.BCAST, Read(200, "OK")),
    Case("zeromf", "4475 §3.3.11", other.ZEROMF, Read("OPTIONS", _USER)),
    Case("cparam01", "4475 §3.3.12", other.CPARAM01, Read("REGISTER", "sip:example.com")),
    Case("cparam02", "4475 §3.3.13", other.CPARAM02, Read("REGISTER", "sip:example.com")),
    Case("regescrt", "4475 §3.3.14", other.REGESCRT, Read("REGISTER", "sip:example.com")),
    Case("sdp01", "4475 §3.3.15", other.SDP01, Read("INVITE", _USER)),
    Case("inv2543", "4475 §3.4.1", other.INV2543, Read("INVITE", "sip:UserB@example.com")),
]

_IPV6 = [
    Case("ipv6-good", "5118 §4.1", ipv6.GOOD, Read("REGISTER", "sip:[2001:db8::10]")),
    # As with ltgtruri: malformed, and found to be so by whoever asks for the URI.
    Case("ipv6-bad", "5118 §4.2", ipv6.BAD, Read("REGISTER", "sip:2001:db8::10")),
    Case(
        "port-ambiguous", "5118 §4.3", ipv6.AMBIGUOUS, Read("REGISTER", "sip:[2001:db8::10:5070]")
    ),
    Case(
        "port-unambiguous",
        "5118 §4.4",
        ipv6.UNAMBIGUOUS,
        Read("REGISTER", "sip:[2001:db8::10]:5070"),
    ),
    Case("received-with", "5118 §4.5", ipv6.RECEIVED_WITH, Read("BYE", "sip:user@[2001:db8::10]")),
    Case(
        "received-without",
        "5118 §4.5",
        ipv6.RECEIVED_WITHOUT,
        Read("OPTIONS", "sip:user@[2001:db8::10]"),
    ),
    Case("ipv6-in-sdp", "5118 §4.6", ipv6.IN_SDP, Read("INVITE", "sip:user@[2001:db8::10]")),
    Case(
        "mult-ip-in-header",
        "5118 §4.7",
        ipv6.MULT_IN_HEADER,
        Read("BYE", "sip:user@host.example.net"),
    ),
    Case(
        "mult-ip-in-sdp", "5118 §4.8", ipv6.MULT_IN_SDP, Read("INVITE", "sip:user@[2001:db8::10]")
    ),
    Case("ipv4-mapped", "5118 §4.9", ipv6.MAPPED, Read("INVITE", _USER)),
    Case(
        "three-colons",
        "5118 §4.10",
        ipv6.THREE_COLONS,
        Read("OPTIONS", "sip:user@[2001:db8:::192.0.2.1]"),
    ),
    Case(
        "two-colons",
        "5118 §4.10",
        ipv6.TWO_COLONS,
        Read("OPTIONS", "sip:user@[2001:db8::192.0.2.1]"),
    ),
]

CORPUS = {case.name: case for case in [*_VALID, *_INVALID, *_OTHER, *_IPV6]}
"""Every message by its name."""
