"""One value at a time: what is accepted, and the sentence for what is not."""

import re
from datetime import date

import pytest

from regcluster.config.fields import FIELDS
from regcluster.config.values import allowed, convert, convert_text, shown


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("registrar.min_expires", 30, 30),
        ("registrar.default_q", -1, -1),
        ("node.drain_s", 5, 5.0),
        ("node.name", "edge-1", "edge-1"),
        ("listen.udp", ["[::1]:5060"], ["[::1]:5060"]),
        ("log.level", "debug", "debug"),
    ],
)
def test_toml_of_the_right_type_is_taken(key: str, raw: object, value: object) -> None:
    """TOML has types; a whole number also serves where a fraction may stand."""
    assert value == convert(raw, FIELDS[key])


@pytest.mark.parametrize(
    ("key", "raw", "problem"),
    [
        ("registrar.min_expires", "60", 'must be a whole number from 0 to 4294967295, not "60"'),
        ("registrar.min_expires", -1, "must be a whole number from 0 to 4294967295, not -1"),
        ("registrar.min_expires", 1.5, "must be a whole number from 0 to 4294967295, not 1.5"),
        ("registrar.default_q", 1001, "must be a whole number from -1 to 1000, not 1001"),
        ("location.use_domain", True, "must be 0 or 1, not true"),
        ("location.use_domain", 2, "must be 0 or 1, not 2"),
        ("node.workers", -1, "must be a whole number, 0 or more, not -1"),
        ("node.drain_s", float("inf"), "must be a number, 0 or more, not inf"),
        ("node.drain_s", float("nan"), "must be a number, 0 or more, not nan"),
        ("limits.idle_s", 0, "must be a number above 0, not 0"),
        ("log.format", "xml", 'must be "auto", "console" or "json", not "xml"'),
        ("routing.mode", "proxy", 'must be "redirect" or "forward", not "proxy"'),
        ("store.prefix", "a{b}", 'must be text of letters, digits and any of `_ . -`, not "a{b}"'),
        ("node.name", 5, "must be text, not 5"),
        ("node.name", {"a": 1}, "must be text, not a table"),
        ("node.name", date(2030, 1, 2), "must be text, not 2030-01-02"),
        ("listen.udp", "a:1", 'must be a list of texts, not "a:1"'),
        ("listen.udp", ["a:1", 5], 'must be a list of texts, not ["a:1", 5]'),
    ],
)
def test_toml_that_does_not_fit_is_refused_in_plain_words(
    key: str, raw: object, problem: str
) -> None:
    """The sentence says what is allowed and what was found, in words no programmer needs."""
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        convert(raw, FIELDS[key])


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("registrar.min_expires", "30", 30),
        ("registrar.default_q", "-1", -1),
        ("registrar.min_expires", " 30\n", 30),
        ("node.drain_s", "2.5", 2.5),
        ("node.name", "5", "5"),
        ("node.name", "", ""),
        ("listen.udp", "", []),
        ("listen.udp", "a:1", ["a:1"]),
        ("listen.udp", "a:1, b:2", ["a:1", "b:2"]),
        ("listen.udp", '["a:1", "b:2"]', ["a:1", "b:2"]),
        ("listen.udp", "[]", []),
        ("listen.udp", "[::1]:5060", ["[::1]:5060"]),
        ("listen.udp", "[::1]:5060,[::2]:5060", ["[::1]:5060", "[::2]:5060"]),
    ],
)
def test_text_becomes_what_its_field_wants(key: str, text: str, value: object) -> None:
    """The environment and --set know text only; lists come with commas or as TOML."""
    assert value == convert_text(text, FIELDS[key])


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("registrar.min_expires", "60s", 'must be a whole number from 0 to 4294967295, not "60s"'),
        ("registrar.min_expires", "", 'must be a whole number from 0 to 4294967295, not ""'),
        ("location.use_domain", "yes", 'must be 0 or 1, not "yes"'),
        ("node.drain_s", "nan", 'must be a number, 0 or more, not "nan"'),
        ("listen.udp", "[1]", "must be a list of texts, not [1]"),
        ("node.name", "caf\udce9", "must be UTF-8 text"),
    ],
)
def test_text_that_does_not_fit_is_refused(key: str, text: str, problem: str) -> None:
    """Text gets the same sentences as TOML."""
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        convert_text(text, FIELDS[key])


def test_a_choice_with_several_words_lists_them() -> None:
    """What is allowed reads like a sentence."""
    assert '"debug", "info", "warning" or "error"' == allowed(FIELDS["log.level"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb\x7f\x1b", '"a\\nb\\u007f\\u001b"'),
        ("bücher", '"bücher"'),
        ("redis://u:secret@h", '"redis://u:***@h"'),
        (["a", "redis://u:secret@h"], '["a", "redis://u:***@h"]'),
        (True, "true"),
        (1.5, "1.5"),
    ],
)
def test_values_are_shown_as_toml_without_secrets(value: object, text: str) -> None:
    """Messages and check --print show what a file would hold, on one line."""
    assert text == shown(value)
