"""Which contacts a request may go to."""

from dataclasses import replace

from regcluster.config import RegistrarSettings
from regcluster.registrar.plan import Record
from regcluster.registrar.select import Target, select
from tests.registrar.test_binding import BINDING

BEST = replace(BINDING, uri="sip:best@h", q=1000, expires_at=61_001)
WORST = replace(BINDING, uri="sip:worst@h", q=100, expires_at=121_000)
RECORD = Record(now=1_000, bindings=[BEST, WORST])


def test_every_contact_is_a_target() -> None:
    """In record order, each with what is left of its lifetime."""
    targets = select(RECORD, RegistrarSettings())

    assert [
        Target("sip:best@h", 1000, 61, BEST),
        Target("sip:worst@h", 100, 120, WORST),
    ] == targets


def test_append_branches_off_leaves_the_best_one() -> None:
    """append_branches 0: only the first contact is tried."""
    targets = select(RECORD, RegistrarSettings(append_branches=0))

    assert ["sip:best@h"] == [target.uri for target in targets]


def test_an_empty_record_has_no_targets() -> None:
    """Nobody registered, nothing to route to."""
    assert [] == select(Record(now=0, bindings=[]), RegistrarSettings())
