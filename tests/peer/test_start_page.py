"""The page about the start, typed as it stands: what it shows is what comes out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.commands import shell
from tests.docs.pages import Block, written_in
from tests.peer.conftest import StartNode
from tests.peer.node import Node

pytestmark = pytest.mark.peer

SHOWN = ("sipsak", ".venv/bin/regcluster aor", ".venv/bin/regcluster top")
"""What is typed of it: all that ends by itself, and wants no node beside this one."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where one stands, with the program in ``.venv/bin``."""
    program = tmp_path / ".venv" / "bin" / "regcluster"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m regcluster "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(line: str, node: Node, folder: Path) -> str:
    """What ``line`` writes, typed in ``folder`` with ``node`` where the page has its own."""
    typed = re.sub(r"-s (sip:\w+@127\.0\.0\.1)", rf"-s \1:{node.port}", line)
    environ = {**os.environ, "REGCLUSTER_CONFIG": str(node.settings), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        ["bash", "-c", typed],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout


def shown(block: Block) -> list[tuple[str, str]]:
    """Each line that is typed, and the text that stands below it."""
    typed = shell(block).splitlines()
    parts = re.split(r"^\$ .*\n", block.text, flags=re.MULTILINE)[1:]
    return list(zip(typed, parts, strict=True))


def test_the_start_page_shows_what_comes_out(
    start_node: StartNode, sipsak: str, folder: Path
) -> None:
    """A phone is registered, found and looked at; of what is shown each word comes, no figure."""
    node = start_node()
    blocks = [block for block in written_in("console") if block.page == "docs/start.md"]
    steps = [
        (line, text)
        for block in blocks
        if "\\\n" not in block.text
        for line, text in shown(block)
        if line.startswith(SHOWN)
    ]

    written = {line: run(line, node, folder) for line, _ in steps}

    assert sipsak
    assert len(steps) >= 4
    assert {} == {
        line: missing
        for line, text in steps
        if (missing := [word for word in words(text) if word not in written[line]])
    }


def words(text: str) -> list[str]:
    """Those that are the same every time."""
    return re.findall(r"\b[A-Za-z][A-Za-z-]{3,}\b", text)
