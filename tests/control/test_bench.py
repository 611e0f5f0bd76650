"""``bench`` as its user sees it: a report, warnings, exit codes."""

import json
from collections.abc import Iterator

import pytest

from regcluster.control.bench import text
from regcluster.load import Load, Report
from regcluster.load.echo import echo
from regcluster.load.ledger import Account, Ledger, note
from tests.control.command import run

SHORT = ("--count", "500", "--warmup", "0", "--users", "50", "--rate", "2000")


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """A server that answers at once."""
    with echo() as address:
        yield address


def account(**fields: object) -> Account:
    """Two seconds of one process, with ten lookups of each outcome."""
    ledger = Ledger(in_time=10, repeated=7, retry_afters=4)
    ledger.sent["lookup"] = 40
    ledger.lost["lookup"] = 10
    ledger.statuses.update({("lookup", 302): 10, ("lookup", 503): 10, ("lookup", 404): 10})
    for _ in range(10):
        note(ledger.latency["lookup"], 1500)
        note(ledger.lateness, 20)
    plain = {"ledger": ledger, "timeline": [], "begun": 5.0, "ended": 7.0, "watched_s": 2.0}
    clocks = {"cpu_s": 0.5, "waited_s": 0.1, "drops": 0, "broken": 2, "extra": 3}
    return Account(**{**plain, **clocks, **fields})  # type: ignore[arg-type]


def test_a_report_tells_outcomes_latency_and_the_generator() -> None:
    """Each figure beside what it is, in milliseconds and percent."""
    load = Load(targets=["127.0.0.1:5070"], mix={"lookup": 1}, rate=20)

    assert [
        "1 lookup over UDP to 127.0.0.1:5070: 20 requests a second",
        "",
        "sent              40 in 2.0 s, 20 a second",
        "good answers      10, 5 a second",
        "answered 503      10, 4 with Retry-After",
        "answered wrongly  10: 10 x 404 to lookup",
        "no answer         10",
        "repeated          7 retransmissions, 0 later tries",
        "",
        "LATENCY, ms  ANSWERS  p50   p90   p99   p99.9  max",
        "all          10       1.50  1.50  1.50  1.50   1.50",
        "lookup       10       1.50  1.50  1.50  1.50   1.50",
        "",
        "generator's CPU  25% (waited 5%)",
        "left late        1 % by 0.02 ms or more, at most 0.02 ms",
        "lost here        0 answers dropped, 0 messages not taken, 2 errors of sockets",
        "not asked for    3 answers, doubled or late",
    ] == text(Report(load, [account()])).splitlines()


def test_what_was_not_waited_for_is_told() -> None:
    """Where a run was ended early."""
    early = account()
    early.ledger.lost.clear()
    report = Report(Load(window=3), [early])

    assert "no answer         0, 10 not waited for" in text(report).splitlines()
    assert "9 refresh, 1 lookup over UDP to 127.0.0.1:5060: 3 under way" in text(report)


def test_latency_of_no_answers_is_none() -> None:
    """A nought would be the best there is."""
    none = account()
    none.ledger.latency.clear()

    assert (
        "all          0        -    -    -    -      -" in text(Report(Load(), [none])).splitlines()
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--mix", "refresh"), "refresh is no weight: write kind=number"),
        (("--mix", "refresh=many"), "refresh=many is no weight: write kind=number"),
        (("--mix", "invite=1"), "regcluster: invite is no kind of request; there are register,"),
        (("--users", "0"), "users must be 1 or more"),
        (("example", "--seconds", "1"), "example is no address to send to"),
    ],
)
def test_wrong_usage_is_one_sentence(options: tuple[str, ...], sentence: str) -> None:
    """On standard error, with exit code 2, before anything is sent."""
    result = run("bench", *options)

    assert (2, "") == (result.exit_code, result.stdout)
    assert sentence in result.stderr


@pytest.mark.server
def test_a_measurement_is_printed(target: str) -> None:
    """For people: what was offered stands first. Whether the machine was busy is another matter."""
    result = run("bench", target, *SHORT)

    assert result.exit_code in (0, 4)
    assert f"9 refresh, 1 lookup over UDP to {target}: 2000 requests a second\n" in result.stdout
    assert "\nsent              500 in 0." in result.stdout


@pytest.mark.server
def test_a_measurement_for_machines_is_one_document(target: str) -> None:
    """With everything in it."""
    result = run("bench", target, "--json", "--mix", "register=3,lookup=2", *SHORT)

    found = json.loads(result.stdout)
    assert {"register": 300, "lookup": 200, "all": 500} == found["sent"]
    assert {"register": {"200": 300}, "lookup": {"302": 200}} == found["statuses"]


@pytest.mark.server
def test_a_generator_at_its_limit_is_told_by_the_exit_code() -> None:
    """No machine sends a million a second from here; the report is printed all the same."""
    result = run("bench", "--self-check", *SHORT[:-1], "1000000")

    assert 4 == result.exit_code
    assert "\nsent              500 in" in result.stdout
    assert "regcluster: not the server's limit: 1000000 requests a second" in result.stderr


@pytest.mark.server
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_generator_checks_itself_over_either_transport(transport: str) -> None:
    """On a server of its own, whichever it is told to test: nothing has to run there."""
    result = run("bench", "nobody.invalid:5060", "--self-check", "--transport", transport, *SHORT)

    assert result.exit_code in (0, 4)
    assert f"over {transport.upper()} to 127.0.0.1:" in result.stdout
    assert "\ngood answers      500, " in result.stdout


@pytest.mark.server
def test_a_server_without_a_good_answer_is_a_no(target: str) -> None:
    """The report says what it answered instead."""
    result = run("bench", target, *SHORT, "--mix", "miss=1")

    assert 1 == result.exit_code
    assert "500 x 302 to miss" in result.stdout
    assert "regcluster: no request got a good answer\n" in result.stderr


@pytest.mark.server
def test_a_server_that_redirects_is_told_not_to_forward(target: str) -> None:
    """Whoever asks for forward has set up another server than they think."""
    hint = 'regcluster: forward needs a server that forwards (routing.mode = "forward")\n'
    forwards = run("bench", target, *SHORT, "--mix", "forward=1")
    looks_up = run("bench", target, *SHORT, "--mix", "lookup=1")

    assert "500 x 302 to forward" in forwards.stdout
    assert hint in forwards.stderr
    assert "forward" not in looks_up.stderr


@pytest.mark.server
def test_a_server_that_is_not_there_is_a_no() -> None:
    """In one sentence."""
    with echo() as address:
        gone = address

    result = run("bench", gone, *SHORT, "--transport", "tcp")

    assert (1, f"regcluster: cannot reach {gone}: Connection refused\n") == (
        result.exit_code,
        result.stderr,
    )
