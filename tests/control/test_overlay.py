"""What an operator lays over the settings of a running node, and takes away again."""

import pytest

from regcluster.config.reader import load
from regcluster.control.overlay import Overlay, Overridden
from regcluster.errors import ConfigError


def overlay(*given: str) -> Overlay:
    """One over settings that were ``given`` as with --set."""
    return Overlay(load(None, {}, given))


def refused(over: Overlay, changes: dict[str, str | None]) -> list[str]:
    """What is wrong with ``changes``."""
    with pytest.raises(ConfigError) as refusal:
        over.change(changes)
    return list(refusal.value.problems)


def test_at_first_nothing_lies_over_what_was_read() -> None:
    """The settings are those of the file."""
    over = overlay("registrar.max_contacts=3")

    assert (3, {}) == (over.settings.registrar.max_contacts, over.overridden())


def test_a_value_lies_over_the_one_that_was_read() -> None:
    """Which is remembered, with where it came from."""
    over = overlay("registrar.max_contacts=3")
    over.change({"registrar.max_contacts": "5", "routing.domains": "a.example,b.example"})

    assert 5 == over.settings.registrar.max_contacts
    assert {
        "registrar.max_contacts": Overridden(5, 3, "--set"),
        "routing.domains": Overridden(["a.example", "b.example"], [], "default"),
    } == over.overridden()


def test_the_last_value_counts_and_none_is_added_up() -> None:
    """Kamailio's statistics of such parameters do add up (S-45)."""
    over = overlay()
    for text in ("5", "7"):
        over.change({"registrar.max_contacts": text})

    assert 7 == over.settings.registrar.max_contacts
    assert {"registrar.max_contacts": Overridden(7, 0, "default")} == over.overridden()


def test_values_laid_at_different_times_lie_together() -> None:
    """A second change does not take the first away."""
    over = overlay()
    over.change({"registrar.outbound_mode": "1"})
    over.change({"registrar.flow_timer": "25"})

    registrar = over.settings.registrar
    assert (1, 25) == (registrar.outbound_mode, registrar.flow_timer)


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("registrar.max_contacts", "-1", 'must be a whole number, 0 or more, not "-1"'),
        ("registrar.max_contact", "1", "is not a setting; did you mean registrar.max_contacts?"),
        ("registrar.realm_pref", "x", "is called registrar.realm_prefix here"),
        ("node.workers", "4", "cannot change in a running node, it needs a restart"),
        ("registrar.flow_timer", "25", "is 25, which needs registrar.outbound_mode 1 or 2"),
    ],
)
def test_what_cannot_be_is_refused(key: str, text: str, problem: str) -> None:
    """With the sentence that a file would get, or by what else it takes."""
    assert [f"set by hand: {key} {problem}"] == refused(overlay(), {key: text})


def test_a_name_without_section_is_refused() -> None:
    """There is a setting of that name, perhaps; not by that key."""
    assert ["set by hand: write section.key, not max_contacts"] == refused(
        overlay(), {"max_contacts": "1"}
    )


def test_one_mistake_keeps_all_else_from_changing() -> None:
    """All or nothing, and every mistake is told."""
    over = overlay()
    over.change({"registrar.max_contacts": "5"})
    problems = refused(
        over,
        {"registrar.max_contacts": "6", "registrar.min_expires": "x", "location.use_domain": "2"},
    )

    assert 2 == len(problems)
    assert 5 == over.settings.registrar.max_contacts
    assert ["registrar.max_contacts"] == list(over.overridden())


def test_what_is_taken_away_gives_way_to_what_was_read() -> None:
    """Other values stay where they lie."""
    over = overlay("registrar.max_contacts=3")
    over.change({"registrar.max_contacts": "5", "registrar.min_expires": "30"})
    over.change({"registrar.max_contacts": None})

    registrar = over.settings.registrar
    assert (3, 30) == (registrar.max_contacts, registrar.min_expires)
    assert ["registrar.min_expires"] == list(over.overridden())


def test_what_does_not_lie_there_may_be_taken_away() -> None:
    """As long as it is a setting: a name that was mistyped is told."""
    over = overlay()
    over.change({"registrar.max_contacts": None})
    problems = refused(over, {"registrar.max_contact": None})

    assert {} == over.overridden()
    assert [
        "set by hand: registrar.max_contact is not a setting; did you mean registrar.max_contacts?"
    ] == problems


def test_what_another_value_needs_cannot_be_taken_away() -> None:
    """It would leave the node with settings that no file could have."""
    over = overlay()
    over.change({"registrar.outbound_mode": "1", "registrar.flow_timer": "25"})
    refused(over, {"registrar.outbound_mode": None})

    assert 1 == over.settings.registrar.outbound_mode


def test_what_lay_there_before_can_be_put_back() -> None:
    """And nothing that has come since."""
    over = overlay()
    over.change({"registrar.max_contacts": "5"})
    before = over.by_hand
    over.change({"registrar.max_contacts": "6", "log.level": "debug"})
    over.restore(before)

    assert {"registrar.max_contacts": Overridden(5, 0, "default")} == over.overridden()


def test_reading_the_files_again_leaves_it_lying() -> None:
    """What lies beneath is what they say now."""
    over = overlay("registrar.max_contacts=3")
    over.change({"registrar.max_contacts": "5"})
    over.take_up(load(None, {}, ["registrar.max_contacts=4", "registrar.min_expires=30"]))

    registrar = over.settings.registrar
    assert (5, 30) == (registrar.max_contacts, registrar.min_expires)
    assert {"registrar.max_contacts": Overridden(5, 4, "--set")} == over.overridden()


def test_files_that_do_not_go_with_it_are_not_taken_up() -> None:
    """The operator laid a timer over outbound, and the file has none any more."""
    over = overlay("registrar.outbound_mode=1")
    over.change({"registrar.flow_timer": "25"})
    with pytest.raises(ConfigError, match=r"^set by hand: registrar\.flow_timer is 25, which"):
        over.take_up(load(None, {}, ()))
    over.change({"registrar.flow_timer": None})

    assert 1 == over.settings.registrar.outbound_mode
