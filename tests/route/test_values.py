"""AVPs, XAVPs and flags: what was added last is first, and only integers and strings are kept."""

import pytest

from regcluster.errors import ScriptError
from regcluster.registrar.options import SaveFlag
from regcluster.route.values import Avps, Root, Xavps, avp_name, checked, flag_bit


@pytest.mark.parametrize("text", ["rcv", "s:rcv", "$avp(rcv)", "$avp(s:rcv)", " $avp( s:rcv ) "])
def test_an_avp_has_one_name_however_it_is_spelled(text: str) -> None:
    """The type in front of a name is how old scripts have it."""
    assert "rcv" == avp_name(text)


def test_an_avp_with_a_number_for_a_name_is_another_one() -> None:
    """``$avp(i:5)`` is not ``$avp(5)``."""
    avps = Avps()
    avps.add("$avp(i:5)", "by number")
    avps.add("$avp(5)", "by name")

    assert ("by number", "by name") == (avps.first("i:5"), avps.first("s:5"))


def test_the_value_of_an_avp_that_was_added_last_is_first() -> None:
    """As in Kamailio, where an assignment pushes."""
    avps = Avps()
    avps.add("rcv", "one")
    avps.add("$avp(rcv)", 2)

    assert (2, [2, "one"]) == (avps.first("rcv"), avps.all("rcv"))


def test_an_avp_can_be_set_to_one_value_and_removed() -> None:
    """Whatever it had before."""
    avps = Avps()
    avps.add("rcv", "one")
    avps.set("rcv", "two")
    before = avps.all("rcv")
    avps.remove("s:rcv")

    assert (["two"], [], None) == (before, avps.all("rcv"), avps.first("rcv"))


def test_what_is_read_of_an_avp_is_a_copy() -> None:
    """A script that changes it changes nothing."""
    avps = Avps()
    avps.add("rcv", "one")
    avps.all("rcv").clear()

    assert ["one"] == avps.all("rcv")


def test_the_text_of_an_avp_is_empty_where_there_is_none() -> None:
    """Nobody has said anything."""
    avps = Avps()
    avps.add("a", "said")

    assert ("said", "") == (avps.text("a"), avps.text("b"))


def test_the_text_of_an_avp_is_never_a_number() -> None:
    """The script is told which one is wrong."""
    avps = Avps()
    avps.add("rcv", 5)
    with pytest.raises(ScriptError, match=r"\$avp\(rcv\) has to be a string, it is 5"):
        avps.text("s:rcv")


@pytest.mark.parametrize("value", ["", "text", 0, -1, 2**63 - 1, -(2**63), SaveFlag.REPL])
def test_strings_and_integers_are_values(value: str | int) -> None:
    """An integer with a name is one too."""
    assert value == checked(value)


def test_an_integer_with_a_name_loses_it() -> None:
    """It would be stored as what it is, which others cannot read."""
    assert int is type(checked(SaveFlag.REPL))


@pytest.mark.parametrize("value", [True, None, 1.5, b"octets", ["list"], 2**63, -(2**63) - 1])
def test_nothing_else_is_a_value(value: object) -> None:
    """Where it is written, the script is told (S-58)."""
    with pytest.raises(ScriptError):
        checked(value)


def test_a_child_of_a_root_has_its_newest_value_first() -> None:
    """New children are prepended."""
    root = Root("cfg")
    root.add("q", 1)
    root.add("q", 2)

    assert (2, [2, 1], None, []) == (root.first("q"), root.all("q"), root.first("x"), root.all("x"))


def test_setting_a_child_writes_over_its_newest_value() -> None:
    """Older ones stay; one that was not there is there now."""
    root = Root("cfg")
    root.add("q", 1)
    root.add("q", 2)
    root.set("q", 3)
    root.set("x", "new")

    assert ([3, 1], ["new"]) == (root.all("q"), root.all("x"))


def test_a_wrong_value_leaves_a_child_as_it_was() -> None:
    """It is not there either if it was not."""
    root = Root("cfg")
    with pytest.raises(ScriptError):
        root.set("q", 1.5)  # type: ignore[arg-type]

    assert [] == list(root)


def test_a_root_gives_the_newest_value_of_each_child() -> None:
    """So it goes into the store."""
    root = Root("kept")
    root.add("a", 1)
    root.add("a", 2)
    root.add("b", "x")
    root.add("c", "gone")
    root.remove("c")
    root.remove("never there")

    assert {"a": 2, "b": "x"} == root.newest()


def test_a_field_is_read_as_what_it_has_to_be() -> None:
    """Absent, a text is empty and an integer None."""
    root = Root("cfg")
    root.add("q", 500)
    root.add("socket", "udp:h:5060")

    assert (500, None, "udp:h:5060", "") == (
        root.integer("q"),
        root.integer("expires"),
        root.text("socket"),
        root.text("match_callid"),
    )


def test_a_field_of_the_wrong_type_is_told_by_its_name() -> None:
    """Kamailio passes over it, and nobody finds out why nothing happens (S-58)."""
    root = Root("cfg")
    root.add("q", "0.5")
    root.add("socket", 5060)
    with pytest.raises(ScriptError, match=r"\$xavp\(cfg=>q\) has to be an integer, it is '0.5'"):
        root.integer("q")
    with pytest.raises(ScriptError, match=r"\$xavp\(cfg=>socket\) has to be a string, it is 5060"):
        root.text("socket")


def test_the_root_that_was_added_last_is_first() -> None:
    """There may be several of one name; an index outside of them names none."""
    xavps = Xavps()
    older = xavps.add_root("rcd", {"n": 1})
    newer = xavps.add_root("rcd", {"n": 2})

    assert (newer, older, None, None, [newer, older], []) == (
        xavps.root("rcd"),
        xavps.root("rcd", 1),
        xavps.root("rcd", 2),
        xavps.root("rcd", -1),
        xavps.roots("rcd"),
        xavps.roots("cfg"),
    )


def test_the_newest_root_is_made_where_there_is_none() -> None:
    """And found from then on."""
    xavps = Xavps()
    made = xavps.newest("cfg")

    assert (made, made) == (xavps.newest("cfg"), xavps.root("cfg"))


def test_removing_a_name_removes_all_its_roots() -> None:
    """Those of other names stay."""
    xavps = Xavps()
    xavps.add_root("rcd")
    xavps.add_root("rcd")
    other = xavps.add_root("cfg")
    xavps.remove("rcd")
    xavps.remove("never there")

    assert (None, other) == (xavps.root("rcd"), xavps.root("cfg"))


@pytest.mark.parametrize(("number", "bit"), [(0, 1), (5, 32), (31, 2**31)])
def test_a_flag_is_a_bit(number: int, bit: int) -> None:
    """Numbered from 0."""
    assert bit == flag_bit(number)


@pytest.mark.parametrize("number", [-1, 32])
def test_there_are_no_other_flags(number: int) -> None:
    """A binding has room for 32."""
    with pytest.raises(ScriptError):
        flag_bit(number)
