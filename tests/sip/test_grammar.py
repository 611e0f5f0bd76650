"""Tokens, numbers, quoted strings, lists and parameters (RFC 3261 §25.1)."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.sip.grammar import (
    HUGE,
    Params,
    drop_strays,
    is_token,
    parse_number,
    parse_params,
    parse_tags,
    quote,
    skip_quoted,
    split_list,
    split_params,
    unquote,
)


@pytest.mark.parametrize("text", ["a", "REGISTER", "!interesting-Method0123456789_*+`.%~'", "*"])
def test_a_token_holds_token_characters_only(text: str) -> None:
    """Every character that §25.1 allows in a token is allowed."""
    assert is_token(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a/b", "(a", "a)", "a@b", "é", "\u212a", "a\0"])
def test_what_holds_anything_else_is_no_token(text: str) -> None:
    """Nothing, separators and letters beyond ASCII make no token, wherever they stand."""
    assert not is_token(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("0009", 9),
        ("4294967296", 4294967296),
        ("999999999999999999", 10**18 - 1),
        ("1000000000000000000", HUGE),
        ("9" * 60_000, HUGE),
        ("0" * 60_000 + "7", 7),
        ("0" * 60_000, 0),
    ],
)
def test_a_number_is_digits(text: str, number: int) -> None:
    """Leading zeros are fine, and what is too large to matter is HUGE, however long."""
    assert number == parse_number(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", "1 ", "five", "²", "\u0661"])
def test_what_is_not_ascii_digits_is_no_number(text: str) -> None:
    """Signs, spaces and the digits of other scripts are none of 1*DIGIT."""
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("a", ["a"]),
        (" a ,\tb", ["a", "b"]),
        ('"Doe, J" <sip:a,b@h;x=1>, <sip:c@h>', ['"Doe, J" <sip:a,b@h;x=1>', "<sip:c@h>"]),
        ('"a \\", <b" <sip:x@h>,c', ['"a \\", <b" <sip:x@h>', "c"]),
        ('a;x="1,2",b', ['a;x="1,2"', "b"]),
        ('"\\\\",b', ['"\\\\"', "b"]),
        ('"a\\,\\"" ,b', ['"a\\,\\""', "b"]),
    ],
)
def test_lists_split_at_commas_outside_quotes_and_brackets(text: str, elements: list[str]) -> None:
    """A comma inside quotes or angle brackets belongs to the element (7-11)."""
    assert elements == split_list(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Empty element in a list"),
        ("a,,b", "Empty element in a list"),
        ("a, ", "Empty element in a list"),
        ('a,"b', "Unterminated quoted string"),
        ('a,"b\\"', "Unterminated quoted string"),
        ('a,"b\\', "Unterminated quoted string"),
        ("a,<b", "Unterminated angle bracket"),
    ],
)
def test_a_broken_list_is_malformed(text: str, reason: str) -> None:
    """Empty elements, and quotes or brackets that never close, are refused with their reason."""
    with pytest.raises(MalformedHeader, match=reason):
        split_list(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("SIP/2.0/UDP 192.0.2.15;;,;,,", "SIP/2.0/UDP 192.0.2.15"),
        (" a ; b,\t, c;d ", "a ; b, c;d"),
        (",; a;rport,b", "a;rport,b"),
        ("a,b;c", "a,b;c"),
        ('a;;b=",,"', 'a;;b=",,"'),
        ("a;;b,<c,,d>,", "a;;b,<c,,d>,"),
        (";, ;,\t", ""),
        ("", ""),
    ],
)
def test_strays_are_dropped_and_nothing_else(text: str, kept: str) -> None:
    """Nothing at all where they might stand in quotes or brackets (4475 badinv01)."""
    assert kept == drop_strays(text)


@pytest.mark.parametrize("text", ["a;b;c", ' a ; b="x;y" ;c', "", ";"])
def test_parts_of_parameters_join_to_the_text_again(text: str) -> None:
    """Splitting loses nothing, so that what is written back is byte for byte the same."""
    assert text == ";".join(split_params(text))


def test_semicolons_in_quotes_split_no_parameters() -> None:
    """A quoted string is one part, whatever it holds."""
    assert [' a="1;2"', "b"] == split_params(' a="1;2";b')


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("", {}),
        (";a", {"a": None}),
        (";a=b;C=D", {"a": "b", "c": "D"}),
        (" ;  a  =  b\t; c", {"a": "b", "c": None}),
        (";expires=", {"expires": ""}),
        (";x = ;y", {"x": "", "y": None}),
        (';x="a;b,c"', {"x": '"a;b,c"'}),
        (';x="a \\" b" ; y', {"x": '"a \\" b"', "y": None}),
        (';x="<a, b>";Y;z=""', {"x": '"<a, b>"', "y": None, "z": '""'}),
        (";received=[::1];rport", {"received": "[::1]", "rport": None}),
        (";received=2001:db8::1", {"received": "2001:db8::1"}),
        (";tag=a@b=c", {"tag": "a@b=c"}),
        (";z=1;a=2", {"z": "1", "a": "2"}),
    ],
)
def test_parameters_are_read_in_order(text: str, params: Params) -> None:
    """Names lower-case, values as received, white space round ``;`` and ``=`` dropped (20-17)."""
    assert list(params.items()) == list(parse_params(text).items())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a", "begin with a semicolon"),
        ("a;b", "begin with a semicolon"),
        (";", "Bad parameter name"),
        (";;,;,,", "Bad parameter name"),
        (";a b", "Bad parameter name"),
        (";=b", "Bad parameter name"),
        (";\u212a=b", "Bad parameter name"),
        (";a=b c", "Bad parameter value"),
        (";a=b,c", "Bad parameter value"),
        (";a=<b>", "Bad parameter value"),
        (";a=b\0", "Bad parameter value"),
        (';a=b"c"', "Bad parameter value"),
        (';a="b', "Unterminated quoted string"),
        (';a="b"c', "Text after a quoted parameter value"),
        (';a="b""c"', "Text after a quoted parameter value"),
        (';a="b";A="b"', "given twice"),
        (";a=1;A=2", "given twice"),
        (";a;b;a", "given twice"),
        (';a="1" ; a', "given twice"),
    ],
)
def test_broken_parameters_are_malformed(text: str, reason: str) -> None:
    """What is no generic-param list is refused, and so is a name given twice (7-16)."""
    with pytest.raises(MalformedHeader, match=reason):
        parse_params(text)


@pytest.mark.parametrize(
    ("text", "end"), [('"a"b', 3), ('"a\\"b"c', 6), ('"\\\\"x', 4), ('""', 2), ('"\\a\\b"', 6)]
)
def test_a_quoted_string_ends_at_the_first_bare_quote(text: str, end: int) -> None:
    """A backslash takes the character behind it out of play, another backslash too."""
    assert end == skip_quoted(text, 0)


@pytest.mark.parametrize("text", ["", "plain", 'a "b" c', "back\\slash", "ж, й"])
def test_what_is_quoted_can_be_unquoted(text: str) -> None:
    """quote and unquote are each other's inverse."""
    assert text == unquote(quote(text))


def test_a_line_end_has_no_quoted_form() -> None:
    """quoted-pair excludes CR and LF, and letting them through would start a header."""
    with pytest.raises(ValueError, match="line end"):
        quote("a\nb")
    with pytest.raises(ValueError, match="line end"):
        quote("a\rb")


@pytest.mark.parametrize("text", ["", '"', "abc", '"abc', 'abc"'])
def test_text_without_quotes_is_left_alone(text: str) -> None:
    """unquote touches only a whole quoted string."""
    assert text == unquote(text)


def test_any_character_can_be_escaped() -> None:
    """A quoted pair stands for its second character, NUL included (7-25)."""
    assert 'a"b\\c\0' == unquote('"\\a\\"b\\\\c\\\0"')


def test_option_tags_are_read_without_case() -> None:
    """Rows and commas are alike, case is not kept, an empty header names nothing (20-13)."""
    assert ["path", "outbound", "gruu"] == parse_tags(["PATH, Outbound", "", "gruu"])


@pytest.mark.parametrize("value", ["a b", "a,,b", "a,", "<x>"])
def test_a_broken_option_tag_is_malformed(value: str) -> None:
    """Option tags are tokens."""
    with pytest.raises(MalformedHeader):
        parse_tags([value])
