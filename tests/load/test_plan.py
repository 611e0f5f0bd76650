"""What a load may be, and what is said of one that cannot be."""

import pytest

from regcluster.errors import ConfigError
from regcluster.load import Load


def test_a_load_as_it_comes_can_be_offered() -> None:
    """Nothing has to be said."""
    Load().check()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"targets": ()}, "there is no target"),
        ({"targets": ("somewhere",)}, "somewhere is no address to send to, such as 127.0.0.1:5060"),
        ({"domain": "a b"}, "a b is no domain"),
        (
            {"mix": {"invite": 1}},
            "invite is no kind of request; there are register, refresh, lookup, forward, miss",
        ),
        ({"mix": {"lookup": -1, "miss": 1}}, "the weight of lookup must be 0 or more"),
        ({"mix": {"lookup": 0}}, "the mix is empty"),
        (
            {"mix": {"forward": 1}, "transport": "tcp"},
            "forwarded requests are answered over UDP only",
        ),
        ({"users": 0}, "users must be 1 or more"),
        ({"window": 0}, "window must be 1 or more"),
        ({"rate": -1}, "rate must be 0 or more"),
        ({"method": "BYE"}, "method must be INVITE or OPTIONS, not BYE"),
        ({"transport": "tls"}, "transport must be udp or tcp, not tls"),
        ({"arrivals": "odd"}, "arrivals must be even or poisson, not odd"),
        ({"seconds": 0}, "seconds must be more than 0"),
        ({"users": 1, "processes": 2}, "there must be at least one user for each process"),
        ({"first": 80_000_000}, "numbers of phones end at 80000000"),
    ],
)
def test_what_cannot_be_is_named(fields: dict[str, object], problem: str) -> None:
    """In a sentence that says what is allowed."""
    with pytest.raises(ConfigError) as caught:
        Load(**fields).check()  # type: ignore[arg-type]

    assert problem in caught.value.problems


def test_all_problems_are_named_at_once() -> None:
    """So that nobody has to try again for each."""
    with pytest.raises(ConfigError) as caught:
        Load(users=0, sockets=0, mix={}).check()

    assert len(caught.value.problems) > 3


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 5.0),
        ({"retransmit": True}, 32.0),
        ({"retransmit": True, "timeout_s": 3.0}, 3.0),
    ],
)
def test_patience_follows_the_timers(fields: dict[str, object], seconds: float) -> None:
    """32 s where requests are repeated (timer F), 5 where not, or what is asked for."""
    assert seconds == Load(**fields).patience_s  # type: ignore[arg-type]


def test_new_phones_come_after_those_that_are_there() -> None:
    """Where the mix needs none, the first number is new already."""
    assert (7, 107) == (
        Load(mix={"register": 1}, first=7, users=100).first_new,
        Load(mix={"register": 1, "lookup": 1}, first=7, users=100).first_new,
    )


@pytest.mark.parametrize(
    ("load", "pace", "length"),
    [
        (Load(rate=100), (100, "even", None), (None, 10.0)),
        (Load(window=8), (None, None, 8), (None, 10.0)),
        (Load(rate=100, arrivals="poisson", count=7), (100, "poisson", None), (7, None)),
    ],
)
def test_a_document_has_nothing_where_something_does_not_count(
    load: Load, pace: tuple[object, ...], length: tuple[object, ...]
) -> None:
    """A reader would take a window, say, for that of a closed loop; what is left is the load."""
    found = load.document()

    assert pace == (found["rate"], found["arrivals"], found["window"])
    assert length == (found["count"], found["seconds"])
    again = Load(**{name: value for name, value in found.items() if value is not None})
    assert found == again.document()


@pytest.mark.parametrize(
    ("load", "timeout_s"),
    [(Load(), 5.0), (Load(retransmit=True), 32.0), (Load(timeout_s=2.0), 2.0)],
)
def test_a_document_tells_the_time_out_that_counts(load: Load, timeout_s: float) -> None:
    """Also where nobody has said one."""
    assert timeout_s == load.document()["timeout_s"]
