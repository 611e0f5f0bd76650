"""The loop of a generator, on a wire in memory with a clock of its own."""

from itertools import pairwise

from regcluster.load import Load
from regcluster.load.engine import Engine, Order
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from tests.load.air import START, Air, Answers, after, answer, offered, silent

REFRESH = {"refresh": 1}


def load(**fields: object) -> Load:
    """A short load of refreshes without a warm-up, with ``fields`` laid over it."""
    plain = {"mix": REFRESH, "users": 10, "warmup_s": 0.0, "seconds": 1.0}
    return Load(**{**plain, **fields})  # type: ignore[arg-type]


def near(expected: float, found: float) -> bool:
    """Whether two figures are the same but for the clock's small steps."""
    return abs(expected - found) <= max(0.01 * expected, 50)


def percentile(engine: Engine, share: float, kind: str = "refresh") -> int:
    """The latency, µs, that ``share`` of the answers did not exceed."""
    values = sorted(v for v, times in engine.ledger.latency[kind].items() for _ in range(times))
    return values[int(share * (len(values) - 1))]


def test_an_open_loop_sends_at_the_instants_that_were_decided() -> None:
    """However long answers take."""
    air = Air(after(0.35))

    offered(load(rate=10), air)

    assert [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] == air.instants()


def test_an_open_loop_counts_latency_from_the_instant_that_was_meant() -> None:
    """A generator that is late adds its lateness to the latency, and says how late it was."""
    air = Air(after(0.001), cost_s=0.02)

    engine = offered(load(rate=100), air)

    # A hundred requests at 20 ms each take two seconds: the last left almost one second late.
    assert near(980_000, max(engine.ledger.lateness))
    assert max(engine.ledger.latency["refresh"]) > 980_000
    assert 100 == engine.counted


def test_a_server_that_stalls_cannot_hide_it() -> None:
    """What was due during a stall of half a second is sent all the same, and counted as slow."""

    def stalling(air: Air, request: bytes) -> Answers:
        since = air.now - START
        delay = 0.001 if since < 0.25 or since >= 0.75 else 0.75 - since
        return [(delay, answer(request, "200 OK"))]

    engine = offered(load(rate=100), Air(stalling))

    # Half of the requests came during it, and waited for a quarter of a second on average.
    assert near(250_000, percentile(engine, 0.75))


def test_a_closed_loop_keeps_its_window_full_and_no_fuller() -> None:
    """Ten under way, each answered after a tenth of a second: a hundred a second."""
    air = Air(after(0.1))
    most = 0

    def look(engine: Engine) -> Order:
        nonlocal most
        most = max(most, engine.under_way)
        return Order.GO_ON

    engine = offered(load(window=10), air, look)

    assert (100, 10) == (engine.counted, most)


def test_a_count_ends_a_run_however_long_it_takes() -> None:
    """Exactly so many are sent."""
    air = Air(after(0.5))

    engine = offered(load(window=2, count=7), air)

    assert (7, 7) == (len(air.sent), engine.answered)


def test_the_warm_up_is_sent_but_not_counted() -> None:
    """What is meant for an instant before its end is not; the timeline begins there, too."""
    engine = offered(load(rate=10, warmup_s=1.0), Air(after(0.01)))

    assert (20, 10, 10) == (engine.started, engine.counted, engine.ledger.sent["refresh"])
    assert 10 == engine.warmup.sent["refresh"]
    assert 10 == sum(step.sent for step in engine.timeline)


def test_a_closed_loop_that_gets_no_answer_still_ends() -> None:
    """In time; the warm-up's requests are not counted as those of the run that never began."""
    engine = offered(load(window=4, warmup_s=0.5, timeout_s=5.0), Air(silent))

    assert (4, 4, 0) == (
        engine.warmup.sent["refresh"],
        engine.warmup.lost["refresh"],
        engine.ledger.sent["refresh"],
    )
    assert 1.0 <= engine.ended - engine.begun < 1.05


def test_answers_that_come_after_the_end_are_good_but_not_in_time() -> None:
    """So that a rate of answers is of the time in which there were requests."""
    engine = offered(load(rate=10), Air(after(0.35)))

    assert (10, 7) == (sum(engine.ledger.latency["refresh"].values()), engine.ledger.in_time)


def test_kinds_are_sent_by_weight() -> None:
    """Each to a user of its own kind: known, new, or nobody."""
    air = Air(after(0.01))

    engine = offered(load(mix={"register": 1, "refresh": 2, "lookup": 3, "miss": 4}, rate=10), air)

    assert {"register": 1, "refresh": 2, "lookup": 3, "miss": 4} == dict(engine.ledger.sent)
    asked = [request for request in _requests(air) if request.method == "REGISTER"]
    assert ["sip:u00000010@example.test"] == [
        uri for uri in map(_called, asked) if uri > "sip:u00000009@example.test"
    ]


def test_every_register_of_a_phone_has_a_higher_number() -> None:
    """And one Call-ID, as RFC 3261 §10.2 asks."""
    air = Air(after(0.01))

    offered(load(users=2, rate=10), air)

    mine = [request for request in _requests(air) if "u00000000@" in _called(request)]
    numbers = [request.cseq.number for request in mine]
    assert sorted(set(numbers)) == numbers
    assert {"t00000000@192.0.2.1"} == {request.first("call-id") for request in mine}


def test_a_request_is_repeated_by_the_timers_and_given_up() -> None:
    """Timer E doubles from half a second to four; timer F ends it after 32 (§17.1.2.2)."""
    air = Air(silent)

    engine = offered(load(window=1, count=1, retransmit=True), air)

    expected = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert len(expected) == len(air.sent)
    assert all(0 <= at - due < 0.05 for due, at in zip(expected, air.instants(), strict=True))
    assert 1 == len({data for _, data in air.sent})
    assert (10, 1) == (engine.ledger.repeated, engine.ledger.lost["refresh"])


def test_an_invite_is_repeated_by_timers_of_its_own() -> None:
    """Timer A goes on doubling (§17.1.1.2)."""
    air = Air(silent)

    offered(load(mix={"lookup": 1}, window=1, count=1, retransmit=True), air)

    expected = [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert len(expected) == len(air.sent)
    assert all(0 <= at - due < 0.05 for due, at in zip(expected, air.instants(), strict=True))


def test_an_invite_that_is_being_worked_on_is_not_repeated() -> None:
    """A 100 says that it has arrived."""

    def trying(air: Air, request: bytes) -> Answers:
        final = [(3.0, answer(request, "302 Moved"))] if request.startswith(b"INVITE") else []
        return [(0.1, answer(request, "100 Trying")), *final]

    air = Air(trying)

    offered(load(mix={"lookup": 1}, window=1, count=1, retransmit=True), air)

    assert [b"INVITE", b"ACK"] == [data.split()[0] for _, data in air.sent]


def test_nothing_is_repeated_unless_asked_for() -> None:
    """A request that is sent once is lost after five seconds."""
    air = Air(silent)

    engine = offered(load(window=1, count=1), air)

    assert ([0.0], 1) == (air.instants(), engine.ledger.lost["refresh"])
    assert 5.0 <= air.now - START < 5.1


def test_a_phone_waits_for_its_answer_before_it_refreshes() -> None:
    """Others go first (RFC 3261 §10.2): the slowest phone keeps only itself waiting."""

    def slow(air: Air, request: bytes) -> Answers:
        delay = 0.55 if b"u00000003@" in request else 0.01
        return [(delay, answer(request, "200 OK"))]

    air = Air(slow)

    engine = offered(load(users=4, rate=10), air)

    mine = [at for at, data in air.sent if b"u00000003@" in data]
    assert all(later - earlier > 0.55 for earlier, later in pairwise(mine))
    assert (10, 0) == (len(air.sent), engine.ledger.crowded)


def test_phones_that_are_too_few_are_told_of() -> None:
    """Where all of them wait, one of them refreshes all the same."""
    engine = offered(load(users=2, rate=10), Air(after(0.35)))

    assert 0 < engine.ledger.crowded < 10


def test_a_redirection_is_acknowledged_in_its_own_transaction() -> None:
    """The ACK repeats the INVITE's branch and the answer's To (§17.1.1.3)."""
    air = Air(after(0.01, "302 Moved Temporarily"))

    offered(load(mix={"lookup": 1}, window=1, count=1), air)

    invite, ack = _requests(air)
    assert ("INVITE", "ACK") == (invite.method, ack.method)
    assert invite.via.branch == ack.via.branch
    assert f"{invite.first('to')};tag=s" == ack.first("to")
    assert invite.first("call-id") == ack.first("call-id")


def test_options_are_not_acknowledged() -> None:
    """Only INVITE has an ACK."""
    air = Air(after(0.01, "302 Moved Temporarily"))

    offered(load(mix={"lookup": 1}, method="OPTIONS", window=1, count=1), air)

    assert ["OPTIONS"] == [request.method for request in _requests(air)]


def test_answers_are_told_apart() -> None:
    """Good ones, refusals with and without Retry-After, and wrong ones; only good ones' latency
    counts as such."""
    statuses = iter(["200 OK", "503 Busy", "503 Busy later", "404 Not Found"])

    def moody(air: Air, request: bytes) -> Answers:
        status = next(statuses)
        fields = ["Retry-After: 3"] if "later" in status else []
        return [(0.01, answer(request, status, *fields))]

    engine = offered(load(window=1, count=4), Air(moody))

    ledger = engine.ledger
    assert {200: 1, 503: 2, 404: 1} == {
        status: times for (_, status), times in ledger.statuses.items()
    }
    assert (1, 1) == (ledger.retry_afters, sum(ledger.latency["refresh"].values()))
    assert 3 == sum(ledger.other_latency.values())
    assert (1, 2, 1) == (
        engine.timeline[0].good,
        engine.timeline[0].refused,
        engine.timeline[0].failed,
    )


def test_a_persistent_phone_comes_again_when_it_was_told_to() -> None:
    """After the seconds of Retry-After, with a request of its own; how long it took is kept."""
    statuses = iter(["503 Busy", "503 Busy", "200 OK"])

    def moody(air: Air, request: bytes) -> Answers:
        return [(0.0, answer(request, next(statuses), "Retry-After: 2"))]

    air = Air(moody)

    engine = offered(load(window=1, count=1, persist_s=60.0), air)

    assert [0.0, 2.0, 4.0] == air.instants()
    assert 3 == len({request.via.branch for request in _requests(air)})
    assert (2, 3) == (engine.ledger.retried, engine.ledger.sent["refresh"])
    assert near(4_000_000, max(engine.ledger.settled))


def test_a_persistent_phone_tires() -> None:
    """It does not come again after ``persist_s``."""
    air = Air(after(0.0, "503 Busy", "Retry-After: 10"))

    offered(load(window=1, count=1, persist_s=25.0), air)

    assert [0.0, 10.0, 20.0] == air.instants()


def test_silence_makes_a_persistent_phone_back_off() -> None:
    """For half a minute, give or take: RFC 5626 §4.5."""
    air = Air(silent)

    offered(load(window=1, count=1, persist_s=50.0), air)

    first, second, *_ = air.instants()
    assert 0.0 == first
    assert 5.0 + 15.0 <= second <= 5.1 + 30.0


def test_what_nobody_waits_for_is_counted_apart() -> None:
    """A second answer to one request, an answer to somebody else's, a request, and noise."""

    def chatty(air: Air, request: bytes) -> Answers:
        good = answer(request, "200 OK")
        stray = good.replace(b"z9hG4bKtag", b"z9hG4bKxyz")
        return [(0.1, data) for data in (good, good, stray, request, b"noise")]

    engine = offered(load(window=1, count=2), Air(chatty))

    assert (2, 2, 8) == (engine.answered, engine.ledger.statuses["refresh", 200], engine.extra)


def test_a_run_can_be_finished_early() -> None:
    """Nothing new is sent, and what is under way is waited for."""

    def look(engine: Engine) -> Order:
        return Order.FINISH if engine.counted >= 10 else Order.GO_ON

    engine = offered(load(rate=100, seconds=100.0), Air(after(0.5)), look)

    assert engine.started < 20
    assert (0, engine.started) == (engine.under_way, engine.answered)


def test_a_run_can_be_left() -> None:
    """Nothing is waited for."""

    def look(engine: Engine) -> Order:
        return Order.LEAVE if engine.counted >= 10 else Order.GO_ON

    engine = offered(load(rate=100, seconds=100.0), Air(silent), look)

    assert engine.started == engine.under_way


def test_the_timeline_tells_when_good_answers_came() -> None:
    """Not when they were asked for."""
    engine = offered(load(rate=10, slice_s=0.55), Air(after(0.73)))

    assert [6, 4, 0] == [step.sent for step in engine.timeline]
    assert [0, 4, 6] == [step.good for step in engine.timeline]


def _requests(air: Air) -> list[Request]:
    found = [parse(data) for _, data in air.sent]
    return [message for message in found if isinstance(message, Request)]


def _called(request: Request) -> str:
    return (request.first("to") or "").partition("<")[2].strip(">")
