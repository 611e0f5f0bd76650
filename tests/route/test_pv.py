"""How Kamailio's pseudo-variables are named."""

import pytest

from regcluster.errors import ScriptError
from regcluster.route.pv import Variable, parse_pv


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("$ru", ("ru",)),
        ("$(ru)", ("ru",)),
        ("$avp(x)", ("avp", "x")),
        ("$avp(s:rcv)", ("avp", "rcv")),
        ("$avp(i:5)", ("avp", "i:5")),
        ("$(avp(x)[2])", ("avp", "x", 0, "", 2)),
        ("$hdr(User-Agent)", ("hdr", "User-Agent")),
        ("$(hdr(Route)[-1])", ("hdr", "Route", 0, "", -1)),
        ("$xavp(cfg)", ("xavp", "cfg")),
        ("$xavp(cfg=>expires)", ("xavp", "cfg", 0, "expires")),
        ("$xavp(rcd[1]=>contact[2])", ("xavp", "rcd", 1, "contact", 2)),
        ("$ulc(caller=>count)", ("ulc", "caller", 0, "count")),
        ("$(ulc(caller=>addr)[3])", ("ulc", "caller", 0, "addr", 3)),
    ],
)
def test_a_variable_is_read_by_its_parts(text: str, parts: tuple[str | int, ...]) -> None:
    """Name, what is in the parentheses, indexes."""
    variable = parse_pv(text)

    read = (variable.name, variable.key, variable.at, variable.field, variable.index)
    assert (*parts, *("", "", 0, "", 0)[len(parts) :]) == read


def test_a_variable_knows_how_it_was_written() -> None:
    """A message about it shows the script's own words."""
    assert Variable("$(ru)", "ru") == parse_pv("$(ru)")


@pytest.mark.parametrize(
    "text",
    ["", "ru", "$", "$()", "$(ru", "$avp(x", "$avp(x)[1]", "$(avp(x)[*])", "$(ru{s.len})", "$a b"],
)
def test_what_is_no_variable_is_refused_by_name(text: str) -> None:
    """Transformations and the index of all values among it."""
    with pytest.raises(ScriptError) as refused:
        parse_pv(text)

    assert f"{text!r} is no variable" in str(refused.value)


@pytest.mark.parametrize("text", ["$avp()", "$xavp(a=>)", "$xavp(=>b)", "$avp(a b)", "$hdr(a,b)"])
def test_parentheses_without_a_name_are_refused(text: str) -> None:
    """The message names the variable."""
    with pytest.raises(ScriptError) as refused:
        parse_pv(text)

    assert f"{text!r} has no name that can be read in its parentheses" == str(refused.value)
