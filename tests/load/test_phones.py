"""Whose turn it is."""

from itertools import pairwise

from regcluster.load import Load
from regcluster.load.phones import Phones
from regcluster.load.plan import MOST_USERS


def test_processes_share_out_all_phones() -> None:
    """Each phone is one process's business."""
    load = Load(users=10, first=100)

    shares = [list(Phones(load, part, 3).all()) for part in range(3)]

    assert [[100, 103, 106, 109], [101, 104, 107], [102, 105, 108]] == shares


def test_known_phones_are_visited_in_turn() -> None:
    """All of the process's own, and none twice before."""
    phones = Phones(Load(users=10), 1, 2)

    assert [1, 3, 5, 7, 9] == sorted(phones.choose["refresh"]() for _ in range(5))


def test_neighbours_do_not_follow_each_other() -> None:
    """So that a server's caches help it no more than real phones would."""
    phones = Phones(Load(users=1000), 0, 1)
    numbers = [phones.choose["lookup"]() for _ in range(100)]

    assert all(abs(one - other) > 100 for one, other in pairwise(numbers))


def test_newcomers_have_numbers_nobody_has() -> None:
    """Behind the known ones; two processes never the same."""
    load = Load(users=10, mix={"register": 1, "lookup": 1})
    parts = [Phones(load, part, 2) for part in range(2)]

    assert [[10, 12], [11, 13]] == [
        [phones.choose["register"](), phones.choose["register"]()] for phones in parts
    ]


def test_strangers_are_never_phones() -> None:
    """Their numbers are above all others, and of eight digits however many are asked for."""
    phones = Phones(Load(), 0, 1)
    phones._stranger = 99_000_000
    numbers = [phones.choose["miss"]() for _ in range(3)]

    assert [99_000_000, MOST_USERS, MOST_USERS + 1] == numbers
