"""Counting in bulk: once a turn, and nothing is lost or counted twice."""

from collections.abc import Callable

import pytest

from regcluster.tally import Tally, tallied


class Number:
    """A value of prometheus_client, as far as it matters, and what was written to it."""

    def __init__(self, name: str, *, help_text: str) -> None:
        self.name = name
        self.help_text = help_text
        self.written: list[float] = []

    def inc(self, amount: float) -> None:
        self.written.append(amount)


class Turn:
    """A loop that ends its turn when it is told to."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def end(self) -> None:
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


@pytest.fixture
def turn() -> Turn:
    """The turn of the test."""
    return Turn()


@pytest.fixture
def tally(turn: Turn) -> Tally:
    """A tally that is settled when the turn ends."""
    tally = Tally()
    tally.defer = turn.call_soon
    return tally


def test_a_turn_is_written_once(tally: Tally, turn: Turn) -> None:
    """However often it counted; two numbers are two writes, at one moment."""
    kind = tallied(Number, tally)
    requests, seconds = kind("requests", help_text=""), kind("seconds", help_text="")
    for _ in range(3):
        requests.inc(1)
        seconds.inc(0.25)
    before = (list(requests.written), list(seconds.written), len(turn.soon))
    turn.end()

    assert ([], [], 1) == before
    assert ([3], [0.75]) == (requests.written, seconds.written)


def test_every_turn_begins_anew(tally: Tally, turn: Turn) -> None:
    """What was written is not written again."""
    number = tallied(Number, tally)("requests", help_text="")
    for amount in (1, 2):
        number.inc(amount)
        turn.end()

    assert [1, 2] == number.written
    assert [] == turn.soon


def test_what_is_counted_while_others_are_written_has_its_own_turn(
    tally: Tally, turn: Turn
) -> None:
    """Settling takes what is there, and no more."""
    number = tallied(Number, tally)("requests", help_text="")
    tally.owe(lambda: number.inc(5))
    turn.end()
    during = list(number.written)
    turn.end()

    assert ([], [5]) == (during, number.written)


def test_nothing_added_is_nothing_lost(tally: Tally, turn: Turn) -> None:
    """A histogram may observe 0 seconds."""
    number = tallied(Number, tally)("seconds", help_text="")
    for amount in (0.0, 0.0, 0.5):
        number.inc(amount)
    turn.end()

    assert 0.5 == sum(number.written)


def test_without_a_turn_everything_is_written_at_once() -> None:
    """At start, and in a test: there is no end to wait for."""
    number = tallied(Number, Tally())("requests", help_text="words")
    number.inc(1)

    assert ([1], "requests", "words") == (number.written, number.name, number.help_text)
