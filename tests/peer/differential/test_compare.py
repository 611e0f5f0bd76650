"""The comparison itself: a planted difference is found, a declared one has to be as declared."""

import pytest

from tests.peer.differential.compare import complaints, equal
from tests.peer.differential.outcome import Known, outcome, parse
from tests.peer.differential.sequence import Seen, Step, Value, register

PLAIN = register("<sip:a@h>")
PEER: Seen = {"status": "200 OK", "code": 1, "contacts": ["<sip:a@h>;expires=60"]}
PLACES = {"127.0.0.1:5060": "HERE"}


def told(*lines: str) -> str:
    """A response with these header rows."""
    return "\r\n".join(["SIP/2.0 200 OK", *lines, "", ""])


def seen(*lines: str, spread: tuple[int, int] | None = None) -> dict[str, Value]:
    """What a response says."""
    return outcome([parse(told(*lines))], PLACES, spread)


@pytest.mark.parametrize(
    "planted",
    [
        {"status": "400 Bad Request"},
        {"code": 2},
        {"contacts": ["<sip:b@h>;expires=60"]},
        {"contacts": ["<sip:a@h>;expires=62"]},
        {"contacts": []},
        {"contacts": None},
        {"path": "<sip:p;lr>"},
    ],
)
def test_a_planted_difference_is_found(planted: Seen) -> None:
    """Whatever it is in, and in which of the two."""
    assert complaints(PLAIN, PEER, {**PEER, **planted})
    assert complaints(PLAIN, {**PEER, **planted}, PEER)


def test_a_second_is_no_difference() -> None:
    """One of the two may have been asked a moment later."""
    assert [] == complaints(PLAIN, PEER, {**PEER, "contacts": ["<sip:a@h>;expires=59"]})


def test_a_declared_difference_is_none() -> None:
    """It is there, and each says what the reason has it say."""
    step = PLAIN.because("S-01", {"code": 1}, {"code": 2})

    assert [] == complaints(step, PEER, {**PEER, "code": 2})


@pytest.mark.parametrize("ours", [1, 3, None])
def test_a_declared_difference_has_to_be_as_declared(ours: int | None) -> None:
    """One that has gone is found, and one that is another."""
    step = PLAIN.because("S-01", {"code": 1}, {"code": 2})

    assert complaints(step, PEER, {**PEER, "code": ours})


def test_a_declared_difference_covers_nothing_else() -> None:
    """Beside it everything has to be the same."""
    step = PLAIN.because("S-01", {"code": 1}, {"code": 2})

    assert complaints(step, PEER, {**PEER, "code": 2, "status": "500 Sorry"})


def test_what_the_peer_is_known_to_answer_is_checked() -> None:
    """Two programs that are wrong in the same way are found."""
    assert complaints(PLAIN.answers(code=2), PEER, PEER)


def test_the_users_name_is_put_into_what_is_expected() -> None:
    """A history does not know for whom it is played."""
    step = PLAIN.answers(ulc=["aor={user}"])
    both: Seen = {"ulc": ["aor=u1"]}

    assert [] == complaints(step, both, both, lambda text: text.replace("{user}", "u1"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("left=5", "left=6"), ("expires=-1", "expires=0"), (["a;expires=9"], ["a;expires=8"])],
)
def test_lifetimes_are_equal_by_a_second(one: Value, other: Value) -> None:
    """Whatever text they are in."""
    assert equal(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("q=5", "q=6"), ("expires=1;x", "expires=1"), (["a"], ["a", "b"]), ("5", 5), (None, [])],
)
def test_anything_else_has_to_be_the_same(one: Value, other: Value) -> None:
    """Numbers that are no lifetime, lengths of lists, kinds."""
    assert not equal(one, other)


def test_a_response_is_read_into_names() -> None:
    """Contacts one by one, tags as a set, addresses by name, and no more than matters."""
    found = seen(
        "Via: SIP/2.0/UDP h",
        'Contact: <sip:a@h>;expires=1;temp-gruu="sip:x.y@h;gr", <sip:b,c@127.0.0.1:5060>',
        "Supported: path, outbound",
        "P-Registrar-Error: no",
        "X-Code: -1",
        "X-Branch: sip:a@h|<null>|udp:127.0.0.1:5060|0",
        "X-Path: <null>",
        "X-Rcd: ruid=uloc-6b-1-2",
    )

    assert {
        "status": "200 OK",
        "contacts": ['<sip:a@h>;expires=1;temp-gruu="sip:TEMP@h;gr"', "<sip:b,c@HERE>"],
        "supported": "outbound, path",
        "error": "no",
        "code": -1,
        "branches": ["sip:a@h||udp:HERE|0||"],
        "rcd": ["ruid=RUID"],
    } == found


def test_a_header_that_nobody_expects_is_seen() -> None:
    """A difference in it would not be found else."""
    assert "x: y" == seen("X: y")["other"]


def test_lifetimes_within_their_limits_are_alike() -> None:
    """Others are shown."""
    found = seen("Contact: <sip:a@h>;expires=5, <sip:b@h>;expires=11", spread=(5, 10))

    assert ["<sip:a@h>;expires=~", "<sip:b@h>;expires=11"] == found["contacts"]


def test_what_a_program_gave_can_be_named() -> None:
    """The last ruid and the last GRUUs."""
    known = Known()
    known.learn(
        [parse(told('Contact: <sip:a@h>;pub-gruu="sip:p";temp-gruu="sip:t"', "X-Ruid: ul-1"))]
    )

    assert {"{pub}": "sip:p", "{temp}": "sip:t", "{ruid}": "ul-1"} == known.texts


def test_a_step_says_no_more_than_it_is_told() -> None:
    """The ways to make one leave the others as they were."""
    step = Step(do="save").answers(code=1).because("S-01", {}, {}).only("peer").within(1, 2)

    assert ({"code": 1}, "S-01", "peer", (1, 2)) == (
        step.expect,
        step.differs[0].note,
        step.on,
        step.spread,
    )
