"""What pseudo-variables hold, and what becomes of writing to them."""

import pytest

from regcluster.errors import ScriptError
from regcluster.route.kemi import KSR
from regcluster.route.sync import current_call
from regcluster.testing import Phone
from tests.route.ksr.script import BOB, told

pytestmark = pytest.mark.anyio

CALLER = Phone(BOB, "192.0.2.20", 5066, "TCP")
DATA = CALLER.invite(
    "sip:alice@example.com:5070;user=phone",
    to='"Alice" <sip:alice@example.org>;tag=to-1',
    from_="<sip:bob@example.net>;tag=from-1",
    call_id="call-1",
    cseq="7 INVITE",
    contact="<sip:bob@192.0.2.20>",
    user_agent="Tester",
    x_row=["one", "two", "three"],
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$ru", "sip:alice@example.com:5070;user=phone"),
        ("$(ru)", "sip:alice@example.com:5070;user=phone"),
        ("$rU", "alice"),
        ("$rd", "example.com"),
        ("$rp", 5070),
        ("$rm", "INVITE"),
        ("$du", None),
        ("$fu", "sip:bob@example.net"),
        ("$fU", "bob"),
        ("$fd", "example.net"),
        ("$ft", "from-1"),
        ("$tu", "sip:alice@example.org"),
        ("$tU", "alice"),
        ("$td", "example.org"),
        ("$tt", "to-1"),
        ("$ci", "call-1"),
        ("$cs", "7"),
        ("$ct", "<sip:bob@192.0.2.20>"),
        ("$ua", "Tester"),
        ("$si", "192.0.2.20"),
        ("$sp", 5066),
        ("$su", "sip:192.0.2.20:5066;transport=tcp"),
        ("$pr", "tcp"),
        ("$proto", "tcp"),
        ("$Ri", "192.0.2.1"),
        ("$Rp", 5060),
        ("$mf", 0),
        ("$bf", 0),
        ("$hdr(X-Row)", "one"),
        ("$(hdr(x-row)[1])", "two"),
        ("$(hdr(X-Row)[-1])", "three"),
        ("$(hdr(X-Row)[3])", None),
        ("$hdr(i)", "call-1"),
        ("$hdrc(X-Row)", 3),
        ("$avp(x)", None),
        ("$xavp(x)", None),
        ("$xavp(x=>y)", None),
        ("$branch(count)", 0),
        ("$(branch(uri)[0])", None),
        ("$ulc(x=>count)", None),
    ],
)
async def test_a_variable_reads_what_the_request_says(name: str, value: str | int | None) -> None:
    """None where there is no such thing."""
    assert value == await told(lambda: KSR.pv.get(name), DATA)


async def test_a_uri_that_is_not_sip_has_no_parts() -> None:
    """They read as None, and cannot be written."""
    data = Phone(BOB).invite("tel:+15550100")

    assert [None, None, None] == await told(
        lambda: [KSR.pv.get(name) for name in ("$rU", "$rd", "$rp")], data
    )
    with pytest.raises(ScriptError, match="the Request-URI is a tel URI"):
        await told(lambda: KSR.pv.sets("$rU", "alice"), data)


async def test_what_has_no_value_can_be_read_as_something() -> None:
    """As an empty string, a sign, or what the script prefers."""

    def ask() -> list[object]:
        return [
            KSR.pv.gete("$ua"),
            KSR.pv.getw("$ua"),
            KSR.pv.getvs("$ua", "none"),
            KSR.pv.getvn("$avp(n)", 5),
            KSR.pv.is_null("$ua"),
            KSR.pv.is_null("$ru"),
            KSR.pv.gete("$rU"),
        ]

    assert ["", "<<null>>", "none", 5, True, False, "alice"] == await told(ask)


async def test_a_next_hop_goes_before_the_connection_of_a_lookup() -> None:
    """Who writes $du means what he says."""

    def ask() -> object:
        branch = current_call().branches[0]
        branch.connection = "node/0.1.1"
        KSR.pv.sets("$du", "sip:192.0.2.9")
        return branch.next_hop, branch.connection

    assert ("sip:192.0.2.9", "") == await told(ask)


async def test_an_avp_has_values_newest_first() -> None:
    """All of them go at once."""

    def ask() -> list[object]:
        KSR.pv.sets("$avp(x)", "old")
        KSR.pv.seti("$avp(s:x)", 2)
        both = [KSR.pv.get("$avp(x)"), KSR.pv.get("$(avp(x)[1])"), KSR.pv.get("$(avp(x)[2])")]
        KSR.pv.unset("$avp(x)")
        return [*both, KSR.pv.get("$avp(x)")]

    assert [2, "old", None, None] == await told(ask)


async def test_an_xavp_is_written_field_by_field() -> None:
    """The root is made with the first one; it can be asked for, and forgotten."""

    def ask() -> list[object]:
        KSR.pv.seti("$xavp(cfg=>expires)", 60)
        KSR.pv.sets("$xavp(cfg[0]=>socket)", "udp:192.0.2.1:5060")
        there = [KSR.pv.get("$xavp(cfg=>expires)"), KSR.pv.get("$xavp(cfg[0]=>socket[0])")]
        KSR.pv.unset("$xavp(cfg=>expires)")
        KSR.pv.unset("$xavp(other=>expires)")
        half = [KSR.pv.is_null("$xavp(cfg=>expires)"), KSR.pv.is_null("$xavp(cfg)")]
        KSR.pv.unset("$xavp(cfg)")
        return [*there, *half, KSR.pv.is_null("$xavp(cfg)")]

    assert [60, "udp:192.0.2.1:5060", True, False, True] == await told(ask)


async def test_the_request_uri_can_be_written() -> None:
    """All of it, its user, its domain; numbers become digits."""

    def ask() -> list[object]:
        KSR.pv.sets("$ru", "sip:carol@example.com")
        KSR.pv.seti("$rU", 15550100)
        KSR.pv.sets("$rd", "example.net")
        return [KSR.pv.get("$ru"), KSR.pv.get("$rm")]

    assert ["sip:15550100@example.net", "INVITE"] == await told(ask)


async def test_an_unknown_variable_is_refused_with_those_that_are_known() -> None:
    """Reading, writing and unsetting: each says what it can do."""
    with pytest.raises(ScriptError, match=r"^there is no variable \$TS here; known are \$Ri, "):
        await told(lambda: KSR.pv.get("$TS"))
    with pytest.raises(ScriptError, match=r"^\$ci cannot be written; these can: \$avp, "):
        await told(lambda: KSR.pv.sets("$ci", "x"))
    with pytest.raises(ScriptError, match=r"^\$ru cannot be unset; these can: \$avp, \$du, \$xavp"):
        await told(lambda: KSR.pv.unset("$ru"))
    with pytest.raises(ScriptError, match=r"a branch has no colour; it has count, dst_uri, "):
        await told(lambda: KSR.pv.get("$branch(colour)"))
    with pytest.raises(ScriptError, match=r"a contact has no colour; it has addr, aor, "):
        await told(lambda: KSR.pv.get("$ulc(x=>colour)"))
    with pytest.raises(ScriptError, match=r"\$xavp\(a\) holds fields"):
        await told(lambda: KSR.pv.sets("$xavp(a)", "x"))
