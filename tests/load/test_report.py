"""A report's figures, and when it says that they are not the server's."""

import json

import pytest

from regcluster.load import Load, Report
from regcluster.load.ledger import Account, Ledger, Step, note


def account(**fields: object) -> Account:
    """One process's second: a hundred refreshes answered in a millisecond each, punctually."""
    ledger = Ledger()
    ledger.sent["refresh"] = ledger.in_time = 100
    ledger.statuses["refresh", 200] = 100
    for _ in range(100):
        note(ledger.latency["refresh"], 1000)
        note(ledger.lateness, 10)
    plain = {"ledger": ledger, "timeline": [Step(sent=100, good=100)], "begun": 5.0, "ended": 6.0}
    clocks = {"watched_s": 1.0, "cpu_s": 0.25, "waited_s": 0.1}
    troubles = {"drops": 0, "broken": 0, "extra": 0}
    return Account(**{**plain, **clocks, **troubles, **fields})  # type: ignore[arg-type]


def late(microseconds: int, latency: int) -> Ledger:
    """A ledger of requests that left late, and had their answer after ``latency``."""
    ledger = Ledger()
    ledger.sent["refresh"] = ledger.in_time = 100
    ledger.statuses["refresh", 200] = 100
    for _ in range(100):
        note(ledger.latency["refresh"], latency)
        note(ledger.lateness, microseconds)
    return ledger


def test_processes_are_added_up() -> None:
    """Counts, rates and the timeline, of whatever length."""
    longer = account(timeline=[Step(sent=60, good=50), Step(sent=40, good=50)])
    report = Report(Load(rate=200), [account(), longer])

    assert (200, 200, 200.0, 200.0) == (
        report.sent,
        report.good,
        report.sent_rate,
        report.good_rate,
    )
    assert [Step(sent=160, good=150), Step(sent=40, good=50)] == report.timeline


def test_latency_is_told_by_kind_and_for_all() -> None:
    """To a thousandth; a kind nobody answered has none."""
    other = Ledger()
    other.sent["lookup"] = 100
    for _ in range(100):
        note(other.latency["lookup"], 9000)
    report = Report(Load(), [account(ledger=other), account()])

    assert pytest.approx((1000, 9000, 1000, 9000), rel=0.002) == (
        report.latency_us(50.0),
        report.latency_us(99.0),
        report.latency_us(99.0, "refresh"),
        report.latency_us(99.0, "lookup"),
    )
    assert 0 == report.latency_us(50.0, "miss")


def test_outcomes_are_told_apart() -> None:
    """Good, refused, wrong, lost, and left alone."""
    ledger = Ledger()
    ledger.sent["lookup"] = 10
    ledger.statuses.update({("lookup", 302): 3, ("lookup", 503): 2, ("lookup", 404): 1})
    for _ in range(3):
        note(ledger.latency["lookup"], 5)
    ledger.lost["lookup"] = 3
    report = Report(Load(), [account(ledger=ledger)])

    assert (3, 2, 1, 3, 1) == (
        report.good,
        report.refused,
        report.failed,
        report.lost,
        report.abandoned,
    )


def test_a_generator_with_time_to_spare_says_nothing() -> None:
    """The figures are the server's."""
    assert [] == Report(Load(rate=100), [account()]).limits


@pytest.mark.parametrize(
    ("load", "fields", "sentence"),
    [
        (
            Load(),
            {"cpu_s": 0.5, "waited_s": 0.45},
            "a generator process was busy 95% of the time, 45% of it waiting for a CPU: it could "
            "not have offered more",
        ),
        (Load(rate=120), {}, "120 requests a second were asked for, 100 were sent"),
        (
            Load(rate=100),
            {"ledger": late(5000, 6000)},
            "1 % of the requests left 5.0 ms late or later, which is much of the latency; the "
            "generator waited 10% of the time for a CPU",
        ),
        (Load(), {"drops": 3}, "3 answers were dropped at the generator's own sockets"),
    ],
)
def test_a_generator_at_its_limit_says_so(
    load: Load, fields: dict[str, object], sentence: str
) -> None:
    """Why, in one sentence."""
    assert [sentence] == Report(load, [account(**fields)]).limits


def test_lateness_that_is_little_of_the_latency_is_no_limit() -> None:
    """A server that takes a second is slow, whoever asked it five milliseconds late."""
    assert [] == Report(Load(rate=100), [account(ledger=late(5000, 1_000_000))]).limits


def test_lateness_spoils_no_latency_where_there_is_none() -> None:
    """Without a good answer there is nothing that it could be a part of."""
    ledger = late(5000, 0)
    ledger.latency.clear()

    assert [] == Report(Load(rate=100), [account(ledger=ledger)]).limits


def test_phones_that_were_too_few_are_a_limit_where_something_failed() -> None:
    """For it may have been refused because of that."""
    ledger = account().ledger
    ledger.crowded = 3
    before = Report(Load(), [account(ledger=ledger)]).limits
    ledger.statuses["refresh", 400] = 1

    assert [] == before
    assert ["3 refreshes were of phones that still waited for an answer"] == [
        limit.split(",")[0] for limit in Report(Load(), [account(ledger=ledger)]).limits
    ]


def test_messages_the_kernel_did_not_take_are_a_limit() -> None:
    """Unless nobody listened there."""
    ledger = account().ledger
    ledger.unsent = 4

    assert ["the kernel did not take 4 messages"] == Report(Load(), [account(ledger=ledger)]).limits
    assert [] == Report(Load(), [account(ledger=ledger, broken=4)]).limits


def test_a_document_is_json_and_holds_the_load() -> None:
    """With the histograms in a form that other programs read."""
    load = Load(targets=("127.0.0.1:5070",), rate=100)
    found = json.loads(json.dumps(Report(load, [account()]).document()))

    assert (["127.0.0.1:5070"], {"refresh": 9, "lookup": 1}) == (
        found["load"]["targets"],
        found["load"]["mix"],
    )
    assert (100, 100, {"refresh": {"200": 100}}) == (
        found["sent"]["all"],
        found["good"],
        found["statuses"],
    )
    assert (100, 1000) == (
        found["latency_us"]["refresh"]["count"],
        found["latency_us"]["refresh"]["p99"],
    )
    assert found["latency_us"]["all"]["hdr"].startswith("HISTFA")
    assert [] == found["generator"]["limits"]
