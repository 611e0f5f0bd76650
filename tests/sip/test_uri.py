"""URIs: their grammar and their equality (RFC 3261 §19.1). Ids such as U-01 name a rule."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.sip.uri import (
    OtherUri,
    SipUri,
    canonical_user,
    comparison_parts,
    equivalent,
    parse_host,
    parse_port,
    parse_uri,
    split_hostport,
)


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:h", SipUri("sip", None, None, "h", None, {}, "")),
        ("SIPS:Bob@H:5061", SipUri("sips", "Bob", None, "h", 5061, {}, "")),
        ("sip:a:pw@h", SipUri("sip", "a", "pw", "h", None, {}, "")),
        ("sip:a:@h", SipUri("sip", "a", "", "h", None, {}, "")),
        (
            "sip:a@H:05060;LR;Transport=TCP?X=1&y=",
            SipUri("sip", "a", None, "h", 5060, {"lr": None, "transport": "TCP"}, "X=1&y="),
        ),
        ("sip:[2001:DB8::1]:5060", SipUri("sip", None, None, "[2001:db8::1]", 5060, {}, "")),
        ("sip:*21%23@h", SipUri("sip", "*21%23", None, "h", None, {}, "")),
    ],
)
def test_a_sip_uri_is_taken_apart(text: str, uri: SipUri) -> None:
    """Scheme, host and parameter names in lower case, all else as received."""
    assert uri == parse_uri(text)


def test_a_user_part_may_look_like_parameters() -> None:
    """``;`` and ``?`` before the ``@`` belong to the user (RFC 4475 §3.1.1.9, 20-14)."""
    uri = sip("sip:user;par=u%40example.net?x/&=+$,y@example.com;lr")

    assert "user;par=u%40example.net?x/&=+$,y" == uri.user
    assert "example.com" == uri.host
    assert {"lr": None} == uri.params


def test_odd_but_legal_characters_are_accepted() -> None:
    """The URI of RFC 4475 §3.1.1.2 uses every mark a user and a password may hold."""
    uri = sip(
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com"
    )

    assert "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*" == uri.user
    assert "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)" == uri.password


def test_escaped_parameter_names_are_known_by_their_plain_name() -> None:
    """Names are decoded once, values are kept for who knows how to read them (4475 esc01)."""
    uri = sip("sip:h;%6C%72;n%61me=v%61lue%25%34%31")

    assert {"lr": None, "name": "v%61lue%25%34%31"} == uri.params


@pytest.mark.parametrize(
    "text",
    [
        "sip:h",
        "sips:bob@h:5061",
        "sip:a:pw@h;lr;x=1?s=a%20b&p=",
        "sip:a:@[2001:db8::1]:5060;transport=tcp",
        "sip:%00%40@h;x=%20",
    ],
)
def test_what_is_rendered_is_what_was_parsed(text: str) -> None:
    """Rendering a URI that was canonical to begin with gives the same text."""
    assert text == sip(text).render()


@pytest.mark.parametrize(
    "rest",
    [
        "h",
        "alice@192.0.2.1:5066",
        "a%20b@Example.test;transport=TCP;ob",
        "+1-212;ext=5@a-b.c1;%6Cr;x=%41",
        "h:05060;x=[::1]:1/&+$",
    ],
)
def test_the_short_way_and_the_long_way_agree(rest: str) -> None:
    """A scheme in capitals is read bit by bit, and comes to the same."""
    assert parse_uri(f"sip:{rest}") == parse_uri(f"SIP:{rest}")


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("tel:+1-201-555-0123", "tel"),
        ("MAILTO:a@B.com", "mailto"),
        ("soap.beep://192.0.2.103:3002", "soap.beep"),
        ("urn:service:sos", "urn"),
        ("nobodyKnowsThisScheme:totallyopaquecontent", "nobodyknowsthisscheme"),
    ],
)
def test_other_schemes_are_kept_as_text(text: str, scheme: str) -> None:
    """A URI we do not understand still has a scheme."""
    assert OtherUri(scheme, text) == parse_uri(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "without a scheme"),
        ("*", "without a scheme"),
        ("alice", "without a scheme"),
        (":alice@h", "without a scheme"),
        ("5ip:h", "without a scheme"),
        ("s p:h", "without a scheme"),
        ("tel:", "Empty URI"),
        ("tel:+1 2", "Bad character"),
        ("http:<x>", "Bad character"),
        ("sip:", "Empty host"),
        ("sip:a@", "Empty host"),
        ("sip:@h", "Empty user"),
        ("sip::pw@h", "Empty user"),
        ("sip:j@s@h", "Bad user"),
        ("sip:a b@h", "Bad user"),
        ("sip:a%b@h", "Bad user"),
        ("sip:a%4@h", "Bad user"),
        ("sip:*21#@h", "Bad user"),
        ("sip:a\0@h", "Bad user"),
        ("sip:é@h", "Bad user"),
        ("sip:\u212aelvin@h", "Bad user"),
        ("sip:a:p;w@h", "Bad password"),
        ("sip:a:b:c@h", "Bad password"),
        ("sip:a@h:", "Bad port"),
        ("sip:a@h:0", "Bad port"),
        ("sip:a@h:65536", "Bad port"),
        ("sip:a@h:5060transport=udp", "Bad port"),
        ("sip:a@h:-1", "Bad port"),
        ("sip:a@h:" + "9" * 5000, "Bad port"),
        ("sip:a@ex%61mple.test", "Bad host"),
        ("sip:a@h h", "Bad host"),
        ("sip:a@.h", "Bad host"),
        ("sip:a@h..h", "Bad host"),
        ("sip:a@\u212aelvin", "Bad host"),
        ("sip:2001:db8::10", "Bad IPv4"),
        ("sip:db8::10", "Bad port"),
        ("sip:a@[::1", "Bad IPv6"),
        ("sip:a@[::g]", "Bad IPv6"),
        ("sip:a@[fe80::1%eth0]", "Bad IPv6"),
        ("sip:a@[::1]x", "Bad IPv6"),
        ("sip:a@1.2.3", "Bad IPv4"),
        ("sip:a@1.2.3.256", "Bad IPv4"),
        ("sip:a@1.2.3.4.", "Bad IPv4"),
        ("sip:a@010.2.3.4", "Bad IPv4"),
        ("sip:a@h;", "Bad URI parameter"),
        ("sip:a@h;;x", "Bad URI parameter"),
        ("sip:a@h;=1", "Bad URI parameter"),
        ("sip:a@h;x=", "Bad URI parameter"),
        ('sip:a@h;x="1"', "Bad URI parameter"),
        ("sip:a@h;x=%4", "Bad URI parameter"),
        ("sip:a@h;x=1;X=2", "given twice"),
        ("sip:a@h;pa=1;p%61=1", "given twice"),
        ("sip:a@h?", "Bad headers"),
        ("sip:a@h?x", "Bad headers"),
        ("sip:a@h?=x", "Bad headers"),
        ("sip:a@h?x=1&", "Bad headers"),
        ("sip:a@h?x=<y>", "Bad headers"),
    ],
)
def test_a_broken_uri_is_malformed(text: str, reason: str) -> None:
    """Each breach of the grammar is refused and named (20-15, 20-16, U-28, U-35, U-43)."""
    with pytest.raises(MalformedHeader, match=reason):
        parse_uri(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("example.COM", "example.com"),
        ("h.", "h."),
        ("my_host-1", "my_host-1"),
        ("4e5f6a7b", "4e5f6a7b"),
        ("1.2.3.4a", "1.2.3.4a"),
        ("192.0.2.1", "192.0.2.1"),
        ("255.249.199.99", "255.249.199.99"),
        ("[::FFFF:192.0.2.10]", "[::ffff:192.0.2.10]"),
        ("[2001:db8:::192.0.2.1]", "[2001:db8::192.0.2.1]"),
    ],
)
def test_hosts_are_names_or_addresses(text: str, host: str) -> None:
    """Container names are forgiven their underscores and digits, and RFC 5118 its third colon."""
    assert host == parse_host(text)


def test_an_octet_is_at_most_255() -> None:
    """No number of three digits is mistaken, and none has a zero before it."""
    numbers = [*(f"{n}" for n in range(1000)), *(f"0{n}" for n in range(100))]

    assert [*map(str, range(256))] == [n for n in numbers if _is_host(f"192.0.{n}.1")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("h", ("h", None)),
        ("h:1", ("h", "1")),
        ("h:", ("h", "")),
        ("[2001:db8::10:5070]", ("[2001:db8::10:5070]", None)),
        ("[2001:db8::10]:5070", ("[2001:db8::10]", "5070")),
    ],
)
def test_only_a_colon_outside_brackets_begins_a_port(
    text: str, parts: tuple[str, str | None]
) -> None:
    """What stands inside the brackets is address, even if it looks like a port (5118 §4.3)."""
    assert parts == split_hostport(text)


def test_a_port_is_a_number_of_sixteen_bits() -> None:
    """The largest port is a port."""
    assert 65535 == parse_port("65535")


@pytest.mark.parametrize(
    ("user", "canonical"),
    [
        ("alice", "alice"),
        ("%61lice", "alice"),
        ("a%2fb", "a/b"),
        ("a%3Bb", "a;b"),
        ("%40", "%40"),
        ("%00", "%00"),
        ("a%2540b", "a%2540b"),
        ("a%3ab", "a%3Ab"),
        ("a%0d%0ab", "a%0D%0Ab"),
    ],
)
def test_a_canonical_user_decodes_what_needs_no_escape(user: str, canonical: str) -> None:
    """Decoding happens once and never yields a character that would mean something (10-16)."""
    assert canonical == canonical_user(user)


EQUAL = [
    ("U-02", "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("U-04", "sip:alice@h", "SIP:alice@h"),
    ("U-06", "sip:bob@b.com:5060", "sip:bob@b.com:05060"),
    (
        "U-09",
        "sip:b.com;transport=tcp;method=REGISTER?to=sip:bob%40b.com",
        "sip:b.com;method=REGISTER;transport=tcp?to=sip:bob%40b.com",
    ),
    (
        "U-10",
        "sip:a@h?subject=project%20x&priority=urgent",
        "sip:a@h?priority=urgent&subject=project%20x",
    ),
    ("U-11", "sip:carol@c.com", "sip:carol@c.com;newparam=5"),
    ("U-12", "sip:carol@c.com", "sip:carol@c.com;security=on"),
    ("U-13", "sip:carol@c.com;newparam=5", "sip:carol@c.com;security=on"),
    ("U-15", "sip:carol@c.com;security=on", "sip:carol@c.com;SECURITY=ON"),
    ("U-23", "sip:bob@b.com;lr", "sip:bob@b.com"),
    ("U-27", "sip:bob@b.com;a=1;b=2", "sip:bob@b.com;b=2;a=1"),
    ("U-30", "sip:a%2fb@h", "sip:a%2Fb@h"),
    ("U-33", "sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"),
    ("U-36", "sip:a@h;p%61=1", "sip:a@h;pa=1"),
    ("U-37", "sip:a@h;p=%61", "sip:a@h;p=a"),
    ("U-38", "sip:a@h;ob", "sip:a@h"),
    ("U-39", "sip:a@h;gr=x", "sip:a@h"),
    ("U-41", "tel:+1-201-555-0123", "tel:+12015550123"),
    ("tel parameters", "tel:7042;phone-context=B.com;x=1", "tel:(70)4.2;X=1;phone-context=b.com"),
    ("escaped password", "sip:a:%70w@h", "sip:a:pw@h"),
    ("header name case", "sip:a@h?SUBJECT=x", "sip:a@h?subject=%78"),
    ("mapped address", "sip:[::ffff:192.0.2.10]", "sip:[::FFFF:C000:20A]"),
    ("other scheme case", "MAILTO:a@b.com", "mailto:a@b.com"),
]

UNEQUAL = [
    ("U-01", "sip:alice@atlanta.com", "sips:alice@atlanta.com"),
    ("U-03", "sip:ALICE@h", "sip:alice@h"),
    ("U-05", "sip:bob@b.com", "sip:bob@b.com:5060"),
    ("U-07", "sip:bob@b.com", "sip:bob@b.com;transport=udp"),
    ("U-08", "sip:bob@b.com", "sip:bob@b.com:6000;transport=tcp"),
    ("U-14", "sip:carol@c.com;security=on", "sip:carol@c.com;security=off"),
    ("U-16", "sip:carol@c.com", "sip:carol@c.com?Subject=next%20meeting"),
    ("U-17", "sip:bob@phone.b.com", "sip:bob@192.0.2.4"),
    ("U-18", "sip:bob@b.com;user=phone", "sip:bob@b.com"),
    ("U-19", "sip:bob@b.com;user=ip", "sip:bob@b.com"),
    ("U-20", "sip:bob@b.com;ttl=1", "sip:bob@b.com"),
    ("U-21", "sip:bob@b.com;method=INVITE", "sip:bob@b.com"),
    ("U-22", "sip:bob@b.com;maddr=239.1.1.1", "sip:bob@b.com"),
    ("U-24", "sip:bob@b.com;lr", "sip:bob@b.com;lr=on"),
    ("U-25", "sip:bob:pw@b.com", "sip:bob@b.com"),
    ("U-26", "sip:b.com", "sip:bob@b.com"),
    ("U-29", "sip:a%2Fb@h", "sip:a/b@h"),
    ("U-31", "sip:a%3Bp=1@h", "sip:a;p=1@h"),
    ("U-32", "sip:+1-212@h", "sip:+1212@h"),
    ("U-34", "sip:a@h.", "sip:a@h"),
    ("U-40", "sip:a@h;pn-prid=1", "sip:a@h;pn-prid=2"),
    ("U-42", "mailto:a@B.com", "mailto:a@b.com"),
    ("U-44", "sip:%00@h", "sip:%00%00@h"),
    ("empty password", "sip:a:@h", "sip:a@h"),
    ("header value case", "sip:a@h?subject=X", "sip:a@h?subject=x"),
    ("tel context", "tel:7042;phone-context=a.com", "tel:7042;phone-context=b.com"),
    ("scheme", "sip:12@h", "tel:12"),
    ("several others", "sip:a@h;a=1;b=2;c=3", "sip:a@h;c=4;b=2"),
]


@pytest.mark.parametrize(("left", "right"), [row[1:] for row in EQUAL], ids=[r[0] for r in EQUAL])
def test_equal_uris_are_equal_both_ways(left: str, right: str) -> None:
    """RFC 3261 §19.1.4 calls these the same, whichever comes first."""
    assert equivalent(parse_uri(left), parse_uri(right))
    assert equivalent(parse_uri(right), parse_uri(left))


@pytest.mark.parametrize(
    ("left", "right"), [row[1:] for row in UNEQUAL], ids=[r[0] for r in UNEQUAL]
)
def test_unequal_uris_are_unequal_both_ways(left: str, right: str) -> None:
    """RFC 3261 §19.1.4 keeps these apart, whichever comes first."""
    assert not equivalent(parse_uri(left), parse_uri(right))
    assert not equivalent(parse_uri(right), parse_uri(left))


def test_the_parts_of_a_comparison_are_canonical() -> None:
    """What must match is one text; the rest is a sorted list of names and values."""
    uri = sip("SIP:%61:p%77@H:05060;z=%41;Transport=TCP;b;maddr=M?b=%42&A=1")

    assert (
        "sip:a:pw@h:5060;maddr=m;transport=tcp?a=1&b=B",
        "b;z=a",
    ) == comparison_parts(uri)


def test_an_ipv6_address_is_compared_in_full() -> None:
    """One text for an address, on every version of Python: it becomes part of a stored key."""
    assert ("sip:[0000:0000:0000:0000:0000:ffff:c000:020a]", "") == comparison_parts(
        sip("sip:[::FFFF:192.0.2.10]")
    )


def test_the_least_uri_has_the_least_parts() -> None:
    """Nothing is written for what is not there."""
    assert ("sip:h", "") == comparison_parts(sip("sip:h"))


@pytest.mark.parametrize("text", [row[n] for row in EQUAL + UNEQUAL for n in (1, 2)])
def test_the_parts_of_a_comparison_hold_no_space(text: str) -> None:
    """A space may separate them in a key (see registrar.binding)."""
    uri = parse_uri(text)

    assert not isinstance(uri, SipUri) or " " not in "".join(comparison_parts(uri))


def _is_host(text: str) -> bool:
    try:
        return parse_host(text) == text
    except MalformedHeader:
        return False
