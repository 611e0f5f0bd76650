"""XAVPs by field, as Kamailio's pvx module has them."""

import pytest

from regcluster.errors import ScriptError
from regcluster.route.kemi import KSR
from tests.route.ksr.script import told

pytestmark = pytest.mark.anyio


async def test_fields_are_written_to_the_newest_root() -> None:
    """Which is made if there is none; a second value takes the place of the first."""

    def ask() -> list[object]:
        none = KSR.pvx.xavp_child_get("cfg", "expires")
        KSR.pvx.xavp_child_seti("cfg", "expires", 60)
        KSR.pvx.xavp_child_seti("cfg", "expires", 90)
        KSR.pvx.xavp_child_sets("cfg", "socket", "udp:192.0.2.1:5060")
        return [none, KSR.pvx.xavp_child_get("cfg", "expires"), KSR.pv.get("$xavp(cfg=>socket)")]

    assert [None, 90, "udp:192.0.2.1:5060"] == await told(ask)


async def test_a_whole_root_is_read_at_once() -> None:
    """As a list of roots, or one of them; each field has a list of values."""

    def ask() -> list[object]:
        KSR.pvx.xavp_child_seti("cfg", "a", 1)
        KSR.pvx.xavp_child_sets("cfg", "b", "x")
        return [
            KSR.pvx.xavp_getd("cfg"),
            KSR.pvx.xavp_getd("none"),
            KSR.pvx.xavp_getd_p1("cfg", 0),
            KSR.pvx.xavp_getd_p1("cfg", 1),
        ]

    root = {"a": [1], "b": ["x"]}

    assert [[root], [], root, {}] == await told(ask)


async def test_what_is_forgotten_is_gone() -> None:
    """A field, then its root; forgetting what is not there is no mistake."""

    def ask() -> list[object]:
        KSR.pvx.xavp_child_rm("cfg", "a")
        KSR.pvx.xavp_child_seti("cfg", "a", 1)
        there = [KSR.pvx.xavp_child_is_null("cfg", "a"), KSR.pvx.xavp_is_null("cfg")]
        KSR.pvx.xavp_child_rm("cfg", "a")
        half = [KSR.pvx.xavp_child_is_null("cfg", "a"), KSR.pvx.xavp_is_null("cfg")]
        KSR.pvx.xavp_rm("cfg")
        KSR.pvx.xavp_rm("cfg")
        return [*there, *half, KSR.pvx.xavp_is_null("cfg"), KSR.pvx.xavp_child_gete("cfg", "a")]

    assert [False, False, True, False, True, ""] == await told(ask)


async def test_a_value_is_a_string_or_a_number() -> None:
    """Nothing else: it may end up in the store."""
    with pytest.raises(ScriptError, match="a value is a string or an integer, not float"):
        await told(lambda: KSR.pvx.xavp_child_seti("cfg", "a", 1.5))


async def test_an_empty_read_can_be_told_from_a_value() -> None:
    """What has a value is read as it is."""

    def ask() -> object:
        KSR.pvx.xavp_child_seti("cfg", "a", 0)
        return KSR.pvx.xavp_child_gete("cfg", "a")

    assert 0 == await told(ask)
