"""``regcluster set`` as its user sees it: what it changes, shows and refuses."""

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner, Result

from regcluster.config.reader import load
from regcluster.control import porter
from regcluster.control.cli import main
from regcluster.control.errand import FOLDER, ROOT, SOCKET, Answer, Errand
from regcluster.control.overlay import Overlay
from regcluster.errors import ConfigError
from tests.peer.node import Node
from tests.peer.phone import Phone

SOMEBODY = 4711
"""A user who does nothing here."""

CONTACTS = ("sip:alice@127.0.0.1:5071", "sip:alice@127.0.0.1:5072")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where nodes have their folders; its name has to leave room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(name)


@contextmanager
def running(folder: Path, *names: str) -> Iterator[None]:
    """Nodes with these names, which have nothing of a node but its ear; the first is process 1."""
    with start_blocking_portal() as portal, ExitStack() as ends:
        for pid, name in enumerate(names, start=1):
            own = folder / f"{FOLDER}{pid}"
            own.mkdir(mode=0o700)
            listener = portal.call(porter.listen, own)
            # Whom it hears is not the question here.
            ear = portal.start_task_soon(porter.serve, listener, Ear(name, pid).run, lambda _: True)
            ends.callback(ear.cancel)
        yield


class Ear:
    """Hears what a node would hear."""

    def __init__(self, name: str, pid: int) -> None:
        self._who = (name, pid)
        self._overlay = Overlay(load(None, {}, ()))

    async def run(self, errand: Errand) -> Answer:
        """Do as a node does, but for the workers."""
        changes = dict.fromkeys(self._overlay.overridden() if errand.resets_all else ())
        try:
            self._overlay.change(changes | errand.changes)
        except ConfigError as wrong:
            return Answer(*self._who, self._overlay.overridden(), list(wrong.problems))
        return Answer(*self._who, self._overlay.overridden())


def run(*arguments: str) -> Result:
    """Run ``regcluster set`` with ``arguments``."""
    return CliRunner().invoke(main, ["set", *arguments], catch_exceptions=False)


def test_a_value_is_set_and_said_to_be_lost_some_day(folder: Path) -> None:
    """Whoever wants it to stay writes it into a file."""
    with running(folder, "edge-1"):
        result = run("registrar.max_contacts", "5")

    sentence = "edge-1 (process 1): registrar.max_contacts is 5 until it is restarted\n"
    assert (0, sentence, "") == (result.exit_code, result.stdout, result.stderr)


def test_several_values_are_set_at_once_in_either_spelling(folder: Path) -> None:
    """A value may begin with a dash, hold an equals sign, or be empty."""
    with running(folder, "edge-1"):
        result = run(
            *("registrar.max_contacts=5", "registrar.default_q", "-1"),
            *("registrar.realm_prefix", "a=b", "registrar.received_param="),
        )

    assert [
        "registrar.max_contacts is 5 until it is restarted",
        "registrar.default_q is -1 until it is restarted",
        'registrar.realm_prefix is "a=b" until it is restarted',
        'registrar.received_param is "" until it is restarted',
    ] == [line.removeprefix("edge-1 (process 1): ") for line in result.stdout.splitlines()]


def test_without_arguments_what_was_set_is_shown(folder: Path) -> None:
    """Beside what would hold otherwise."""
    with running(folder, "edge-1"):
        before = run()
        run("registrar.max_contacts=5")
        after = run()

    assert "edge-1 (process 1) goes by its settings as they were read.\n" == before.stdout
    assert [
        "edge-1 (process 1) goes by these until it is restarted:",
        "SETTING VALUE OTHERWISE FROM",
        "registrar.max_contacts 5 0 default",
    ] == [" ".join(line.split()) for line in after.stdout.splitlines()]


def test_what_was_set_can_be_given_up(folder: Path) -> None:
    """One by one, or all of it."""
    with running(folder, "edge-1"):
        run("registrar.max_contacts=5", "registrar.min_expires=30", "log.level=debug")
        one = run("--reset", "registrar.max_contacts")
        left = json.loads(run("--json").stdout)["overridden"]
        all_ = run("--reset")
        rest = json.loads(run("--json").stdout)["overridden"]

    assert "edge-1 (process 1): registrar.max_contacts is as it was read\n" == one.stdout
    assert ["registrar.min_expires", "log.level"] == list(left)
    assert "edge-1 (process 1) goes by its settings as they were read.\n" == all_.stdout
    assert {} == rest


def test_an_impossible_value_is_refused_and_changes_nothing(folder: Path) -> None:
    """Neither does what was asked for beside it."""
    with running(folder, "edge-1"):
        result = run("registrar.max_contacts=5", "registrar.min_expires=soon")
        after = json.loads(run("--json").stdout)

    assert (2, "") == (result.exit_code, result.stdout)
    assert (
        "regcluster: set by hand: registrar.min_expires must be a whole number "
        'from 0 to 4294967295, not "soon"\n'
    ) == result.stderr
    assert {} == after["overridden"]


def test_machines_get_one_document(folder: Path) -> None:
    """Of the same shape whether it went well or not; the exit code tells."""
    with running(folder, "edge-1"):
        good = run("--json", "registrar.max_contacts=5")
        bad = run("--json", "node.workers=5")

    overridden = {"registrar.max_contacts": {"value": 5, "otherwise": 0, "origin": "default"}}
    node = {"node": "edge-1", "pid": 1, "overridden": overridden}
    problem = "set by hand: node.workers cannot change in a running node, it needs a restart"
    assert (0, {"ok": True, **node, "problems": []}) == (good.exit_code, json.loads(good.stdout))
    assert (2, {"ok": False, **node, "problems": [problem]}) == (
        bad.exit_code,
        json.loads(bad.stdout),
    )


def test_where_no_node_runs_that_is_said() -> None:
    """With exit code 1, so that a script can ask."""
    result = run("registrar.max_contacts=5")

    assert (1, "", "regcluster: no node of yours runs here\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )


def test_what_a_killed_node_has_left_is_no_node(folder: Path) -> None:
    """Nor is a file of a like name, nor a folder that holds nothing."""
    with running(folder, "edge-1"):
        pass
    (folder / f"{FOLDER}empty").mkdir()
    (folder / f"{FOLDER}file").touch()

    assert 1 == run().exit_code


def test_what_is_somebody_elses_is_not_even_spoken_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could pass for a node, and hear what is asked of one."""
    own = folder / f"{FOLDER}trap"
    own.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trap:
        trap.bind(str(own / SOCKET))
        trap.listen()
        trap.setblocking(False)
        ours = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
        result = run()
        with pytest.raises(BlockingIOError):
            trap.accept()

    assert 1 == result.exit_code


@pytest.mark.parametrize(("mode", "code"), [(0o755, 0), (0o1777, 1)])
def test_root_may_speak_to_a_node_where_not_everybody_can_put_one(
    mode: int, code: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a directory that systemd has made for the user of a service."""
    with running(folder, "edge-1"):
        # Where the test is root's, so is the node; nobody else could give it away.
        with suppress(PermissionError):
            os.chown(folder / f"{FOLDER}1", SOMEBODY, -1)
        folder.chmod(mode)
        monkeypatch.setattr(os, "geteuid", lambda: ROOT)
        result = run()

    assert code == result.exit_code


def test_one_of_several_nodes_has_to_be_named(folder: Path) -> None:
    """By name, or by process where two have the same."""
    with running(folder, "edge-1", "edge-2", "edge-2"):
        unnamed = run("registrar.max_contacts=5")
        named = run("--node", "edge-1", "registrar.max_contacts=5")
        twice = run("--node", "edge-2")
        third = run("--node", "3")
        other = run("--node", "edge-9")

    every = "edge-1 (process 1), edge-2 (process 2), edge-2 (process 3)"
    assert (2, "") == (unnamed.exit_code, unnamed.stdout)
    assert f"3 nodes run here, so say --node: {every}" in unnamed.stderr
    assert named.stdout.startswith("edge-1 (process 1): registrar.max_contacts is 5")
    told = "2 nodes here are called edge-2; name its process: --node 2 or --node 3"
    assert (2, True) == (twice.exit_code, told in twice.stderr)
    assert third.stdout.startswith("edge-2 (process 3) goes by its settings")
    assert (1, f"regcluster: no node edge-9 runs here, but {every}\n") == (
        other.exit_code,
        other.stderr,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["registrar.max_contacts"],
        ["registrar.max_contacts=5", "registrar.min_expires"],
        ["--nod", "edge-1"],
        ["--reset", "registrar.max_contacts=5"],
        ["--reset", "--jsno"],
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    """Seen before any node is looked for."""
    result = run(*words)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "Error: " in result.stderr


async def bind(address: tuple[str, int], *users: str) -> list[tuple[int, int]]:
    """What comes of binding one contact for each user, and then another one."""
    async with Phone(address) as phone:
        answers = [
            [(await phone.register(user, contact)).status for contact in CONTACTS] for user in users
        ]
    return [(first, second) for first, second in answers]


@pytest.mark.server
def test_all_workers_of_a_real_node_go_by_it_when_it_returns(folder: Path, server_url: str) -> None:
    """Each of ten new users may bind one contact, whichever worker it comes to."""
    node = Node(folder, server_url, {"node": {"workers": 3}})
    users = [f"user{number}" for number in range(10)]
    try:
        before = asyncio.run(bind(node.address, "early"))
        result = run("registrar.max_contacts=1")
        after = asyncio.run(bind(node.address, *users))
    finally:
        node.stop()

    assert [(200, 200)] == before
    assert 0 == result.exit_code
    assert [(200, 503)] * 10 == after
