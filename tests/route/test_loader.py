"""From the file of a script to a route, and what is said of a file that will not do."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regcluster.errors import ConfigError
from regcluster.route.loader import load_script
from tests.route.stage import idle_call

pytestmark = pytest.mark.anyio


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the text of a script to a file."""
    file = tmp_path / "edge.py"

    def write(text: str) -> Path:
        file.write_text(text)
        return file

    return write


async def ran(file: Path) -> list[object]:
    """What a script has appended to its call, which is a list here: the loader hands it through."""
    seen: list[object] = []
    await load_script(file).route(seen)  # type: ignore[arg-type]
    return seen


def refusal(file: Path, event_callback: str = "") -> str:
    """What is said of a file, its folder left out."""
    with pytest.raises(ConfigError) as refused:
        load_script(file, event_callback)
    [problem] = refused.value.problems
    return problem.replace(f"{file.parent}/", "")


async def test_a_script_is_a_coroutine_function_called_route(
    script: Callable[[str], Path],
) -> None:
    """It is called with the call."""
    assert ["ran"] == await ran(script("async def route(call):\n    call.append('ran')\n"))


async def test_a_kemi_script_is_what_mod_init_returns(script: Callable[[str], Path]) -> None:
    """Its ksr_request_route is called with the message, after child_init in a taking process."""
    text = """
class Script:
    def __init__(self):
        self.told = []
    def child_init(self, rank):
        self.told.append(rank)
        return 0
    def ksr_request_route(self, msg):
        msg.extend(self.told)
        return 1
def mod_init():
    return Script()
"""

    assert [1] == await ran(script(text))


async def test_a_kemi_script_needs_no_class(script: Callable[[str], Path]) -> None:
    """A function will do, whatever mod_init returns."""
    text = "def mod_init():\n    return 1\ndef ksr_request_route(msg):\n    msg.append('ran')\n"

    assert ["ran"] == await ran(script(text))


async def test_a_kemi_script_needs_no_mod_init(script: Callable[[str], Path]) -> None:
    """Nor anything else but its function."""
    assert ["ran"] == await ran(script("def ksr_request_route(msg):\n    msg.append('ran')\n"))


@pytest.mark.parametrize(
    "text",
    [
        "async def route(msg):\n    msg.append('ran')\n    raise SystemExit\n",
        "def ksr_request_route(msg):\n    msg.append('ran')\n    raise SystemExit\n",
        "from regcluster.route.kemi import KSR\n"
        "def ksr_request_route(msg):\n    msg.append('ran')\n    KSR.x.exit()\n",
        "from regcluster.route.kemi import KSR\n"
        "def ksr_request_route(msg):\n    msg.append('ran')\n    KSR.x.drop()\n",
    ],
)
async def test_an_exit_ends_the_run_and_not_the_worker(
    script: Callable[[str], Path], text: str
) -> None:
    """Python's own among them: what was decided before it holds."""
    assert ["ran"] == await ran(script(text))


async def test_each_load_runs_the_file_anew(script: Callable[[str], Path]) -> None:
    """Nothing is left of what an earlier one has kept."""
    counting = "seen = []\nasync def route(call):\n    seen.append(1)\n    call.append(len(seen))\n"
    file = script(counting)
    first, second = load_script(file), load_script(file)
    seen: list[object] = []
    for loaded in (first, first, second):
        await loaded.route(seen)  # type: ignore[arg-type]

    assert [1, 2, 1] == seen


def test_a_script_leaves_no_module_behind(script: Callable[[str], Path]) -> None:
    """Whoever loads one a hundred times has no more modules than before."""
    file = script("async def route(call): ...")
    load_script(file)

    assert [] == [
        name for name, module in sys.modules.items() if getattr(module, "__file__", "") == str(file)
    ]


async def test_a_script_may_have_dataclasses(script: Callable[[str], Path]) -> None:
    """They ask for their module while they are made."""
    text = """
from __future__ import annotations
from dataclasses import dataclass, fields
from typing import ClassVar
@dataclass
class Limit:
    most: int = 3
    unit: ClassVar[str] = "phones"
async def route(call):
    call.extend(field.name for field in fields(Limit))
"""

    assert ["most"] == await ran(script(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\n", "edge.py: has no entry point; write async def route(call), or for KEMI "),
        ("x = 1\nroute = (\n", "edge.py:2: '(' was never closed"),
        ("def f():\nx = 1\n", "edge.py:2: expected an indented block after function def"),
        ("x = 1\nx.y\n", "edge.py:2: AttributeError: 'int' object has no attribute 'y'"),
        ("def f():\n    raise KeyError\nf()\n", "edge.py:2: KeyError"),
        ("\nraise SystemExit\n", "edge.py:2: the script exits while it is loaded"),
        ("import KSR as KSR\n", "edge.py:1: there is no module KSR here; write: from regcluster."),
        ("import nonesuch\n", "edge.py:1: ModuleNotFoundError: No module named 'nonesuch'"),
        ("route = 1\n", "edge.py: route is no function"),
        ("def route(call): ...\n", "edge.py:1: route has to be async def"),
        ("\nasync def route(): ...\n", "edge.py:2: route has to take one argument"),
        ("async def ksr_request_route(m): ...\n", "edge.py:1: ksr_request_route has to be a plain"),
        ("def ksr_request_route(): ...\n", "edge.py:1: ksr_request_route has to take one argument"),
        ("mod_init = 1\n", "edge.py: mod_init is no function"),
        ("def mod_init(x): ...\n", "edge.py:1: mod_init has to take no arguments"),
        ("\ndef mod_init(): ...\n", "edge.py:2: has no ksr_request_route in what mod_init()"),
        ("def mod_init():\n    1 / 0\n", "edge.py:2: ZeroDivisionError: division by zero"),
        (
            "def ksr_request_route(m): ...\ndef child_init(rank): return -1\n",
            "edge.py:2: child_init() returned -1, which is a no",
        ),
        (
            "from regcluster.route.kemi import KSR\ndef mod_init():\n    KSR.is_INVITE()\n",
            "edge.py:3: ScriptError: KSR knows no request here",
        ),
    ],
)
def test_what_is_wrong_with_a_script_is_said_with_its_line(
    script: Callable[[str], Path], text: str, problem: str
) -> None:
    """At start, before a single request is served by half of it."""
    said = refusal(script(text))

    assert problem == said[: len(problem)]


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """Like any other."""
    assert "none.py: cannot be read: No such file or directory" == refusal(tmp_path / "none.py")


def test_a_file_that_is_no_text_is_a_problem(script: Callable[[str], Path]) -> None:
    """Like any other; Python's own words differ by version."""
    assert "edge.py" == refusal(script("x = 1\0\n"))[:7]


@pytest.mark.parametrize(
    "text",
    [
        "async def route(call): ...\nasync def told(event): ...\n",
        "def ksr_request_route(msg): ...\ndef told(msg, name): ...\n",
        "class S:\n    def ksr_request_route(self, msg): ...\n    def told(self, msg, name): ...\n"
        "def mod_init(): return S()\n",
    ],
)
def test_the_event_callback_has_to_be_in_the_script(
    script: Callable[[str], Path], text: str
) -> None:
    """Beside its entry point: in the module, or in the object."""
    file = script(text)
    load_script(file, "told")

    assert "edge.py: has no function untold, which registrar.event_callback names" == refusal(
        file, "untold"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "async def route(call): ...\ndef told(event): ...\n",
            "edge.py:2: told has to be async def",
        ),
        (
            "async def route(call): ...\nasync def told(event, name): ...\n",
            "edge.py:2: told has to take one argument besides self",
        ),
        (
            "def ksr_request_route(msg): ...\nasync def told(msg, name): ...\n",
            "edge.py:2: told has to be a plain def",
        ),
        (
            "def ksr_request_route(msg): ...\ndef told(msg): ...\n",
            "edge.py:2: told has to take two arguments besides self",
        ),
    ],
)
def test_the_event_callback_has_to_be_of_its_kind(
    script: Callable[[str], Path], text: str, reason: str
) -> None:
    """Told at start, not a day later with the first expiry."""
    assert reason == refusal(script(text), "told")


def test_without_its_name_there_is_no_event_callback(script: Callable[[str], Path]) -> None:
    """Whatever functions a script has."""
    file = script("async def route(call): ...\nasync def told(event): ...\n")

    assert (None, True) == (load_script(file).callback, bool(load_script(file, "told").callback))


async def test_a_script_that_raises_raises(script: Callable[[str], Path]) -> None:
    """The worker answers 500; the loader hides nothing."""
    route = load_script(script("async def route(call):\n    raise KeyError('mine')\n")).route

    with pytest.raises(KeyError, match="mine"):
        await route(idle_call())
