"""The histories leave nothing out: parameters, functions, stances, notes and vectors."""

from collections.abc import Iterator

import msgspec
import pytest

from regcluster.config import RegistrarSettings
from tests.peer.differential.material import GROUPS
from tests.peer.differential.reasons import (
    NOTES,
    OWN,
    STANCES,
    UNPLAYED_VECTORS,
    UNSHOWN_NOTES,
    UNSHOWN_STANCES,
    VECTORS,
)
from tests.peer.differential.sequence import Step

TOMBSTONES = {"aor_avp", "reg_callid_avp"}
"""Parameters that both refuse at start (``test_start``)."""

OUR_OWN = {
    "unknown_require",
    "missing_supported",
    "full_aor",
    "trust_contact_from",
    "expired_contacts",
    "rcd_shape",
}
"""Settings that are no parameters of Kamailio's."""

ASKED_BY = {
    "save": {"save"},
    "lookup": {"lookup"},
    "lookup_to_dset": {"lookup_to_dset"},
    "lookup_branches": {"lookup_branches"},
    "lookup_xavp": {"lookup_xavp"},
    "registered": {"registered"},
    "add_sock_hdr": {"add_sock_hdr", "relay_sock"},
    "unregister": {"unregister"},
    "reg_fetch_contacts": {"fetch", "fetch_head"},
    "reg_free_contacts": {"free"},
    "reg_send_reply": {"save_send"},
    "reg_from_user": {"reg_from_user"},
}
"""The twelve functions, and by what a step asks for each."""


def steps() -> Iterator[Step]:
    """All steps of all histories."""
    for group in GROUPS:
        for history in group.histories:
            yield from history.steps


def shown() -> set[str]:
    """Every reason and vector that a history names."""
    found = {reason.note for step in steps() for reason in step.differs}
    return found.union(*(history.shows for group in GROUPS for history in group.histories))


def test_there_are_hundreds_of_histories() -> None:
    """Each of them under a name of its own."""
    names = [(group.name, history.name) for group in GROUPS for history in group.histories]

    assert len(names) >= 450
    assert len(names) == len(set(names))


def test_every_parameter_is_set_in_some_group() -> None:
    """All 35 of them, but for those that nobody has any more."""
    parameters = set(msgspec.structs.asdict(RegistrarSettings())) - OUR_OWN
    used = {name for group in GROUPS for name in group.registrar}

    assert 35 == len(parameters | TOMBSTONES)
    assert parameters == used


@pytest.mark.parametrize("function", ASKED_BY)
def test_every_function_is_asked_for(function: str) -> None:
    """By some step of some history."""
    assert ASKED_BY[function] & {step.do for step in steps()}


@pytest.mark.parametrize("setting", sorted(OUR_OWN))
def test_each_switch_of_ours_is_turned_in_some_group(setting: str) -> None:
    """Where it makes us do as Kamailio does, or the other way round."""
    turned = {name for group in GROUPS for name in group.ours.get("registrar", {})}

    assert setting in turned


@pytest.mark.parametrize(
    ("reasons", "unshown"),
    [(STANCES, UNSHOWN_STANCES), (NOTES, UNSHOWN_NOTES), (VECTORS, UNPLAYED_VECTORS), (OWN, {})],
    ids=["stances", "notes", "vectors", "choices"],
)
def test_every_reason_is_shown_or_said_to_be_none(
    reasons: tuple[str, ...], unshown: dict[str, str]
) -> None:
    """A stance that no history shows is a claim without proof."""
    assert set() == set(reasons) - shown() - set(unshown)
    assert set() == set(unshown) & shown()
    assert set() == set(unshown) - set(reasons)


def test_no_reason_is_made_up() -> None:
    """Whatever a history names is in the lists."""
    assert set() == shown() - {*STANCES, *NOTES, *OWN, *VECTORS}
