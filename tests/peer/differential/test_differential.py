"""Kamailio and a node are asked the same; where they differ, a reason says how and why.

Five hundred histories in eighty groups, each with a pair of programs of its own; then histories
that nobody wrote, drawn by Hypothesis.
"""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given

from tests.peer.differential.generated import GROUP, histories
from tests.peer.differential.material import GROUPS
from tests.peer.differential.pair import pair
from tests.peer.differential.play import Player
from tests.peer.differential.sequence import Group, History
from tests.peer.server import StoreServer

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    """One server for all groups: each has a prefix of its own."""
    server = StoreServer(tmp_path_factory.mktemp("store"), append_only=False)
    yield server
    server.stop()


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_the_two_differ_only_where_a_reason_says_so(
    group: Group, kamailio: str, shared_store: StoreServer, tmp_path: Path
) -> None:
    """Status, headers, contacts, codes and branches are the same, or as the reason has them."""
    with pair(group, kamailio, tmp_path, shared_store.url) as player:
        complaints = [
            text
            for number, history in enumerate(group.histories)
            for text in player.play(history, f"u{number}")
        ]

    assert [] == complaints


@pytest.fixture(scope="module")
def player(shared_store: StoreServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """One pair for all generated histories."""
    program = shutil.which("kamailio")
    if program is None:
        pytest.skip("kamailio is not installed: make peers")
    with pair(GROUP, program, tmp_path_factory.mktemp("generated"), shared_store.url) as one:
        yield one


_users = itertools.count()


@hypothesis.settings(max_examples=150)
@given(history=histories())
def test_what_nobody_thought_of_is_the_same(player: Player, history: History) -> None:
    """Random requests on the common ground of the two have no difference at all."""
    assert [] == player.play(history, f"g{next(_users)}")
