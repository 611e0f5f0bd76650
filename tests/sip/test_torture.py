"""The torture messages of RFC 4475 and RFC 5118: what is read of them, what a REGISTER plans.

What the parser owes each is written in ``torture.index``; here are the values that tell whether
it was read right. A message goes by the name it has in its RFC.
"""

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader, SipError
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.plan import Refusal, SavePlan
from regcluster.registrar.save import Planner
from regcluster.sip.grammar import unquote
from regcluster.sip.headers import CSeq, parse_cseq, parse_max_forwards, parse_name_addr, parse_via
from regcluster.sip.hop import Hop, reply_hop, via_hop
from regcluster.sip.message import Request
from regcluster.sip.parser import BadRequest, parse
from regcluster.sip.reply import Reply, render_reply
from regcluster.sip.uri import SipUri, equivalent, parse_uri
from tests.sip.torture.index import CORPUS, Case, Dropped, Read, Refused

REGISTRAR = RegistrarSettings()
LOCATION = LocationSettings()
SOURCE = Hop("UDP", "192.0.2.99", 5099)


def request(name: str) -> Request:
    """A message of the corpus that is read as a request."""
    message = parse(CORPUS[name].data)
    assert isinstance(message, Request)
    return message


def value(name: str, header: str) -> str:
    """The first value of a header in a message of the corpus."""
    text = request(name).first(header)
    assert text is not None
    return text


def answerable(case: Case) -> Request | None:
    """The request in a message, good or broken, if there is one that gets an answer."""
    try:
        message = parse(case.data)
    except BadRequest as broken:
        return broken.request
    except SipError:
        return None
    return message if isinstance(message, Request) else None


ANSWERED = {name: message for name, case in CORPUS.items() if (message := answerable(case))}


def outcome(data: bytes) -> Read | Refused | Dropped:
    try:
        message = parse(data)
    except BadRequest as broken:
        return Refused(broken.status, broken.reason)
    except SipError as broken:
        return Dropped(broken.reason)
    if isinstance(message, Request):
        return Read(message.method, message.uri)
    return Read(message.status, message.reason)


@pytest.mark.parametrize("case", CORPUS.values(), ids=lambda case: case.name)
def test_every_message_has_its_outcome(case: Case) -> None:
    """It is read, refused with an answer, or dropped, and never anything else."""
    assert case.outcome == outcome(case.data)


@pytest.mark.parametrize(("rfc", "messages"), [("4475", 49), ("5118", 12)])
def test_no_message_is_left_out(rfc: str, messages: int) -> None:
    """The index has as many as the RFC."""
    assert messages == sum(case.section.startswith(rfc) for case in CORPUS.values())


# What is read


@pytest.mark.parametrize(
    ("name", "header", "values"),
    [
        ("wsinv", "call-id", ["wsinv.1@192.0.2.1"]),
        ("wsinv", "subject", [""]),
        ("wsinv", "newfangledheader", ["a newfangled value which goes on"]),
        ("wsinv", "unknownheaderwithunusualvalue", [";;,,;;,;"]),
        ("intmeth", "call-id", ["intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"]),
        ("intmeth", "extensionheader-!.%*+_`'~", ["\ufeff大停電"]),
        ("esc01", "call-id", ["esc01.1@192.0.2.3"]),
        ("esc02", "to", ['"%Z%45" <sip:resource@example.com>']),
        (
            "esc02",
            "contact",
            ["<sip:alias1@host1.example.com>", "<sip:alias3@host3.example.com>"],
        ),
        ("esc02", "c%6fntact", ["<sip:alias2@host2.example.com>"]),
        ("dblreq", "call-id", ["dblreq.1@192.0.2.8"]),
        ("baddate", "date", ["Fri, 01 Jan 2010 16:00:00 EST"]),
        ("cparam01", "contact", ["sip:+19725552222@gw1.example.net;unknownparam"]),
    ],
)
def test_values_are_read_as_written(name: str, header: str, values: list[str]) -> None:
    """Folds undone, names in lower case, no percent sign decoded outside a URI."""
    assert values == request(name).all(header)


@pytest.mark.parametrize(
    ("name", "header", "display", "uri", "tag"),
    [
        ("wsinv", "to", "", "sip:carol@switchboard.example.com", "to17"),
        ("wsinv", "from", 'B. Goode \\"', "sip:bob@example.com", "from98"),
        (
            "intmeth",
            "to",
            "BEL:\a NUL:\0 DEL:\x7f",
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com",
            None,
        ),
        (
            "intmeth",
            "from",
            "token1~` token2'+_ token3*%!.-",
            "sip:mundane@example.com",
            "_token~1'+`*%!-.",
        ),
        ("lwsdisp", "from", "caller", "sip:caller@example.com", "323"),
        ("inv2543", "from", "", "sip:+13035551111@ift.client.example.net;user=phone", None),
        ("inv2543", "to", "", "sip:+16505552222@ss1.example.net", None),
    ],
)
def test_addresses_are_read(
    name: str, header: str, display: str, uri: str, tag: str | None
) -> None:
    """Display name, URI and tag stand where they should."""
    address = parse_name_addr(value(name, header))

    assert display == unquote(address.display)
    assert uri == address.uri
    assert tag == address.params.get("tag")


def test_numbers_with_leading_zeros_are_read() -> None:
    """wsinv writes all of its numbers so."""
    assert CSeq(9, "INVITE") == parse_cseq(value("wsinv", "cseq"))
    assert 68 == parse_max_forwards(value("wsinv", "max-forwards"))


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("wsinv", ["UDP 192.0.2.2", "TCP spindle.example.com", "UDP 192.168.255.111"]),
        ("longreq", [f"TCP sip{number}.example.com" for number in range(34, 11, -1)]),
        (
            "transports",
            [
                "UDP t1.example.com",
                "SCTP t2.example.com",
                "TLS t3.example.com",
                "UNKNOWN t4.example.com",
                "TCP t5.example.com",
            ],
        ),
        ("mult-ip-in-header", ["UDP [2001:db8::9:1]", "UDP 192.0.2.1", "TCP [2001:db8::9:255]"]),
        ("ipv4-mapped", ["UDP [::ffff:192.0.2.10]"]),
    ],
)
def test_all_vias_are_read_in_order(name: str, hosts: list[str]) -> None:
    """Long and compact, folded and joined, of any transport and family."""
    vias = [parse_via(text) for text in request(name).values("via")]

    assert hosts == [f"{via.transport} {via.host}" for via in vias]


def test_a_binary_body_is_read_to_the_last_octet() -> None:
    """Neither a NUL nor an empty line ends the body of mpart01."""
    body = request("mpart01").body

    assert CORPUS["mpart01"].data.endswith(b"\r\n\r\n" + body)
    assert bytes(range(256)) in body
    assert body.endswith(b"\r\n--7a9c--\r\n")


# URIs


@pytest.mark.parametrize(
    ("text", "aor"),
    [
        (request("esc01").uri, "sips%3auser%40example.com@example.net"),
        (parse_name_addr(value("esc01", "to")).uri, "user@example.com"),
        (parse_name_addr(value("esc01", "from")).uri, "i%20have%20spaces@example.net"),
        (parse_name_addr(value("escnull", "to")).uri, "null-%00-null@example.com"),
        (request("semiuri").uri, "user;par=u%40example.net@example.com"),
        (request("intmeth").uri, "1_unusual.uri~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com"),
        (request("wsinv").uri, "carol@switchboard.example.com"),
        (request("three-colons").uri, "user@[2001:0db8:0000:0000:0000:0000:c000:0201]"),
        (request("two-colons").uri, "user@[2001:0db8:0000:0000:0000:0000:c000:0201]"),
    ],
)
def test_uris_name_their_users(text: str, aor: str) -> None:
    """An escape is decoded where it changes nothing, and no user runs over into the host."""
    assert aor == canonical_aor(parse_uri(text), REGISTRAR, LOCATION)


@pytest.mark.parametrize(
    ("params", "is_equal"),
    [
        (";lr;name=value%2541", True),
        (";%6c%72;name=value%25%34%31", True),
        (";lr;name=value%41", False),
        (";lr;name=valueA", False),
    ],
)
def test_escapes_are_decoded_once(params: str, is_equal: bool) -> None:
    """``%25%34%31`` says ``%41``, and that is no ``A``."""
    contact = parse_uri(parse_name_addr(value("esc01", "contact")).uri)

    assert is_equal == equivalent(contact, parse_uri(f"sip:caller@host5.example.net{params}"))


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("ipv6-good", "[2001:db8::10]", None),
        ("port-ambiguous", "[2001:db8::10:5070]", None),
        ("port-unambiguous", "[2001:db8::10]", 5070),
    ],
)
def test_a_port_stands_behind_the_brackets(name: str, host: str, port: int | None) -> None:
    """Whatever stands inside belongs to the address."""
    uri = parse_uri(request(name).uri)

    assert isinstance(uri, SipUri)
    assert (host, port) == (uri.host, uri.port)


@pytest.mark.parametrize("name", ["ltgtruri", "ipv6-bad"])
def test_a_broken_request_uri_is_malformed(name: str) -> None:
    """Brackets too many and brackets too few: nothing is guessed."""
    with pytest.raises(MalformedHeader):
        parse_uri(request(name).uri)


@pytest.mark.parametrize(
    ("name", "scheme"), [("unkscm", "nobodyknowsthisscheme"), ("novelsc", "soap.beep")]
)
def test_a_scheme_that_is_not_ours_is_read(name: str, scheme: str) -> None:
    """It is a URI, so the sender can be told what is wrong with it."""
    assert scheme == parse_uri(request(name).uri).scheme


# Where answers go, and what they hold


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("wsinv", 5060),
        ("transports", 5060),
        ("mpart01", 5099),
        ("quotbal", 5050),
        ("mult-ip-in-header", 6050),
    ],
)
def test_answers_go_to_the_source(name: str, port: int) -> None:
    """Whatever host the topmost Via names, whatever transport: only its port counts."""
    assert Hop("UDP", "192.0.2.99", port) == reply_hop(ANSWERED[name].via, SOURCE)


@pytest.mark.parametrize("name", ["received-with", "received-without"])
def test_received_is_read_with_and_without_brackets(name: str) -> None:
    """One grammar had them, the other has not; the address is the same."""
    assert Hop("UDP", "2001:db8::9:255", 5060) == via_hop(request(name).via)


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_holds_what_was_asked_and_no_line_more(name: str) -> None:
    """Every Via, then the others that were there; nothing in a message adds a line to its reply."""
    message = ANSWERED[name]
    lines = render_reply(message, Reply(400, "Bad Request", []), SOURCE).split(b"\r\n")

    vias = ["Via"] * len(message.all("via"))
    others = [name for name in ("From", "To", "Call-ID", "CSeq") if message.first(name.lower())]
    assert [*vias, *others, "Server", "Content-Length"] == [
        line.partition(b":")[0].decode() for line in lines[1:-2]
    ]


# What a REGISTER plans


def plan(name: str) -> SavePlan | Refusal:
    return Planner(REGISTRAR, LOCATION, lambda: "ruid", lambda: 0.0).plan(request(name))


@pytest.mark.parametrize(
    ("name", "aor", "bindings"),
    [
        (
            "escnull",
            "null-%00-null@example.com",
            [("sip:%00@host5.example.com", ""), ("sip:%00%00@host5.example.com", "")],
        ),
        ("dblreq", "j.user@example.com", [("sip:j.user@host.example.com", "")]),
        ("regaut01", "j.user@example.com", [("sip:j.user@host.example.com", "")]),
        (
            "cparam01",
            "watson@example.com",
            [("sip:+19725552222@gw1.example.net", ";unknownparam")],
        ),
        (
            "cparam02",
            "watson@example.com",
            [("sip:+19725552222@gw1.example.net;unknownparam", "")],
        ),
        (
            "regescrt",
            "user@example.com",
            [("sip:user@example.com?Route=%3Csip:sip.example.com%3E", "")],
        ),
        ("ipv6-good", "user@example.com", [("sip:caller@[2001:db8::1]", "")]),
        ("port-ambiguous", "user@example.com", [("sip:caller@[2001:db8::1]", "")]),
        ("port-unambiguous", "user@example.com", [("sip:caller@[2001:db8::1]", "")]),
    ],
)
def test_a_good_register_binds_what_it_says(
    name: str, aor: str, bindings: list[tuple[str, str]]
) -> None:
    """A URI whole, its parameters apart from those of the header, each contact by a key of its own.

    Nothing ends at ``%00``, and no bare URI owns the parameters behind it.
    """
    planned = plan(name)

    assert isinstance(planned, SavePlan)
    assert aor == planned.aor
    assert bindings == [(change.uri, change.params) for change in planned.changes]
    assert len(bindings) == len({change.key for change in planned.changes})


@pytest.mark.parametrize(
    ("name", "error"),
    [("regbadct", "Contact parse error"), ("unksm2", "Error while parsing AOR")],
)
def test_a_broken_register_plans_nothing(name: str, error: str) -> None:
    """It is a 400, before anything was touched."""
    assert Refusal(400, error, error) == plan(name)
