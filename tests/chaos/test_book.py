"""The judge of the chaos tests: what it lets pass and what it does not."""

import pytest

from tests.chaos.book import Account, Book, render_q
from tests.peer.phone import Answer

CONTACT = "sip:alice@127.0.0.1:5070"


def alice(sent: int = 0, promised: int = 0) -> Account:
    """A phone so far."""
    return Account("alice@example.test", CONTACT, "loaded", sent, promised)


def answer(status: int, *contacts: str, at: float = 1.0) -> Answer:
    """A response that came ``at`` so many seconds, half a second after its request."""
    rows = [f"SIP/2.0 {status} Something"]
    if contacts:
        rows.append(f"Contact: {', '.join(contacts)}")
    return Answer(status, "\r\n".join([*rows, "", ""]), at - 0.5, at, 1)


def contact(version: int, uri: str = CONTACT) -> str:
    """A contact as a registrar gives it back."""
    return f"<{uri}>;q={render_q(version)};expires=3600"


def test_a_promise_is_remembered() -> None:
    """The 200 that shows the version just sent binds the store."""
    book, account = Book(), alice(sent=3)

    book.registered(account, 3, answer(200, contact(3)))

    assert (3, [], 1) == (account.promised, book.wrong, book.answers)


@pytest.mark.parametrize(
    "told",
    [
        answer(200),
        answer(200, contact(2)),
        answer(200, contact(3), contact(3, "sip:mallory@192.0.2.1")),
        answer(200, f"<{CONTACT}>;expires=3600"),
        answer(403),
    ],
)
def test_a_register_answered_with_anything_else_is_wrong(told: Answer) -> None:
    """Nothing is missing in a 200, nothing too much, and nobody is forbidden to register."""
    book = Book()

    book.registered(alice(sent=3), 3, told)

    assert 1 == len(book.wrong)


def test_a_refusal_of_class_5_is_honest() -> None:
    """It promises nothing, to a phone or to a caller."""
    book, account = Book(), alice(sent=3)

    book.registered(account, 3, answer(503))
    book.found(account, 0, answer(500))

    assert ([], [], {500: 1, 503: 1}, 0) == (
        book.wrong,
        book.missed,
        book.refused,
        account.promised,
    )


@pytest.mark.parametrize(
    ("promised", "told"),
    [(2, answer(302, contact(2))), (2, answer(302, contact(3))), (0, answer(404))],
)
def test_what_was_promised_or_only_sent_may_be_found(promised: int, told: Answer) -> None:
    """A REGISTER without an answer may have been done."""
    book = Book()

    book.found(alice(sent=3), promised, told)

    assert ([], []) == (book.missed, book.wrong)


@pytest.mark.parametrize("told", [answer(404), answer(302, contact(1))])
def test_less_than_was_promised_is_missed(told: Answer) -> None:
    """Whether it is there later is another question."""
    book = Book()

    book.found(alice(sent=3), 2, told)

    assert (1, []) == (len(book.missed), book.wrong)


@pytest.mark.parametrize(
    "told",
    [
        answer(302, contact(4)),
        answer(302, contact(3), contact(2)),
        answer(302, contact(3, "sip:mallory@192.0.2.1")),
        answer(302),
        answer(200),
    ],
)
def test_what_was_never_true_is_wrong(told: Answer) -> None:
    """A version nobody sent, two at once, somebody else's, or none at all."""
    book = Book()

    book.found(alice(sent=3), 2, told)

    assert (1, []) == (len(book.wrong), book.missed)


def test_a_gap_is_the_longest_of_any_group() -> None:
    """What went well elsewhere is no comfort; refusals and late starts count as nothing."""
    book, other = Book(), Account("bob@example.test", CONTACT, "other", sent=9)
    for at in map(float, range(1, 10)):
        book.registered(other, 9, answer(200, contact(9), at=at))
    for at in (2.0, 5.0, 9.0):
        book.registered(alice(sent=3), 3, answer(200, contact(3), at=at))
    book.registered(alice(sent=3), 3, answer(503, at=7.0))

    assert 4.0 == book.longest_gap_s("REGISTER", 1.0, 10.0)
