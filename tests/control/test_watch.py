"""``regcluster watch`` as its user sees it: lines, sentences, and how it ends."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from regcluster import __version__
from regcluster.config.reader import load
from regcluster.control import output
from regcluster.control.cli import main
from regcluster.control.watch import Choice, document, line, read_since
from regcluster.registrar.binding import Binding
from regcluster.store.event import NOW, Event, Since, since_id
from regcluster.store.events import Wanted
from tests.control.watch import PATIENCE_S
from tests.servers import RealServer, valkey

pytestmark = pytest.mark.server

ALICE = "alice@example.com"
DESK = "sip:alice@192.0.2.1"
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")

BINDING = Binding(
    DESK, DESK, 500, "", "c1", 7, "Phone/1", "uloc-1", 1_700_000_061_500, 1_700_000_000_000, 0
)
EVENT = Event("12:1700000001500-0", "changed", ALICE, BINDING, "location")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run regcluster with ``arguments``."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


class Watcher:
    """A ``regcluster watch`` that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        assert process.stdout
        assert process.stderr
        self._out, self._err = process.stdout, process.stderr

    def line(self) -> str:
        """The next line on standard output."""
        return self._out.readline().rstrip("\n")

    def complaint(self) -> str:
        """The next line on standard error."""
        return self._err.readline().rstrip("\n")

    def interrupted(self) -> tuple[int, str]:
        """Its exit code after Ctrl-C, and what else it wrote on standard error."""
        self._process.send_signal(signal.SIGINT)
        _, complaints = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, complaints


@contextmanager
def watching(*arguments: str) -> Iterator[Watcher]:
    """``regcluster watch`` with ``arguments``, from the oldest event on unless they say else."""
    command = [sys.executable, "-m", "regcluster", "watch", "--since", "0", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Watcher(process)
        finally:
            process.kill()


def test_events_are_told_until_it_is_interrupted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A store that goes away is waited for, and no event is lost; Ctrl-C needs no words."""
    place = tmp_path_factory.mktemp("s")
    server = RealServer("away", valkey(), place, DURABLE)
    url = ("--set", f"store.url={server.url}")
    try:
        run("aor", "add", ALICE, DESK, "--expires", "600", *url)
        with watching("--domain", "Example.com", *url) as watcher:
            added = watcher.line()
            server.stop()
            gone = watcher.complaint()
            server = RealServer("away", valkey(), place, DURABLE)
            back = watcher.complaint()
            run("aor", "add", "alice@example.org", DESK, *url)
            run("aor", "rm", ALICE, *url)
            removed = watcher.line()
            ended = watcher.interrupted()
    finally:
        server.stop()

    assert added.endswith(f"  added    {ALICE}  {DESK}  600 s  regcluster/{__version__}")
    assert removed.endswith(f"  removed  {ALICE}  {DESK}  regcluster/{__version__}")
    assert re.fullmatch(f"regcluster: the store at {server.url}: .+; waiting", gone)
    assert f"regcluster: the store at {server.url} is back" == back
    assert (0, "") == ended


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (EVENT, f"changed  {ALICE}  {DESK}  60 s  Phone/1"),
        (replace(EVENT, kind="expired"), f"expired  {ALICE}  {DESK}  Phone/1"),
        (
            replace(EVENT, kind="removed", reason="owner"),
            f"removed  {ALICE}  {DESK}  Phone/1  (its connection is gone)",
        ),
        (replace(EVENT, kind="added", binding=None), f"added    {ALICE}"),
        (
            replace(EVENT, kind="gap", aor="", binding=None),
            "gap      events before this are lost, partition 12",
        ),
        (replace(EVENT, aor="a\x1b[2J@b", binding=None), "changed  a\\x1b[2J@b"),
    ],
)
def test_an_event_is_a_line_for_people(event: Event, text: str) -> None:
    """When, what, whose, and which contact; nothing of a phone's moves a cursor."""
    instant, _, rest = line(event).partition("  ")

    assert (datetime.fromtimestamp(1_700_000_001.5, UTC), text) == (
        datetime.fromisoformat(instant),
        rest,
    )


def test_a_gap_before_everything_has_no_time() -> None:
    """Rather than one of 1970."""
    told = line(replace(EVENT, id="3:0-0", kind="gap", aor="", binding=None))

    assert "-  gap      events before this are lost, partition 3" == told


def test_an_event_is_a_document_for_machines() -> None:
    """The contact looks as it does in ``aor show --json``."""
    told = document(EVENT)

    assert output.contact_document(BINDING, EVENT.at) == told.pop("contact")
    assert {
        "id": "12:1700000001500-0",
        "at": 1_700_000_001_500,
        "kind": "changed",
        "aor": ALICE,
        "table": "location",
        "reason": None,
    } == told


def test_a_gap_has_no_contact() -> None:
    """Nor an AOR."""
    told = document(replace(EVENT, kind="gap", aor="", binding=None))

    assert (None, "") == (told["contact"], told["aor"])


@pytest.mark.parametrize(
    ("aor", "is_told"),
    [
        ("bob@example.org", True),
        ("bob@sub.example.org", False),
        ("bob@notexample.org", False),
        ("example.org", True),
        ("", True),
    ],
)
def test_events_of_a_domain_can_be_asked_for(aor: str, is_told: bool) -> None:
    """Gaps are told whatever is asked for: who knows what was lost."""
    includes = Choice("", "Example.org", "", None).filter(load(None, {}, []))

    assert is_told == includes(replace(EVENT, aor=aor))


def test_one_aor_of_one_table_can_be_asked_for() -> None:
    """Spelled as for other verbs; the table is the first one where none is named."""
    loaded = load(None, {}, ['location.tables=["guests", "staff"]'])
    first = Choice("sip:Alice@Example.com", "", "0", None).read(loaded)
    second = Choice("", "", "", "staff").read(loaded)

    assert (Wanted("guests", ALICE, Since(at=0)), Wanted("staff")) == (first, second)


def test_a_store_that_cannot_be_reached_at_the_beginning_ends_it() -> None:
    """As it ends every other verb."""
    result = run(
        "watch", "--set", "store.url=unix:///nowhere/at/all", "--set", "store.deadline_ms=50"
    )

    assert 3 == result.exit_code
    assert "regcluster: the store at unix:///nowhere/at/all: no connection" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "yesterday"), "yesterday is neither a time, such as 10m or"),
        (("--since", "999:5-0"), "999:5-0 is no id of an event in this store"),
        (("--aor", "x@y.z", "--domain", "y.z"), "say --aor or --domain, not both"),
        (("--aor", "<>"), "is no address-of-record"),
        (("--domain", "y.z", "--set", "location.use_domain=0"), "no AOR has a domain"),
        (("--table", "nowhere"), "nowhere"),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], sentence: str) -> None:
    """Before the store is asked anything."""
    result = run("watch", *arguments)

    assert 2 == result.exit_code
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("", NOW),
        ("0", Since(at=0)),
        ("1700000000000", Since(at=1_700_000_000_000)),
        ("90s", Since(at=-90_000)),
        ("10m", Since(at=-600_000)),
        ("2h", Since(at=-7_200_000)),
        ("1d", Since(at=-86_400_000)),
        ("2023-11-14T22:13:20Z", Since(at=1_700_000_000_000)),
        ("2023-11-14 23:13:20.5+01:00", Since(at=1_700_000_000_500)),
        ("12:1700000000000-3", since_id("12:1700000000000-3")),
    ],
)
def test_a_beginning_can_be_said_in_several_ways(text: str, since: Since) -> None:
    """As an instant, as a time ago, or as the id of an event."""
    assert since == read_since(text)
