"""A browser, and two nodes on one store that it looks at: one without tokens, one that asks.

They are started once for all tests of this folder, so each test has an address-of-record of its
own. What is broken on purpose, a test starts itself.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.peer.console.phones import Phones
from tests.peer.node import Node, Section
from tests.peer.processes import HOST
from tests.peer.server import StoreServer

READ, WRITE = "the-token-that-reads", "the-token-that-writes"

FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
]

PATIENCE_MS = 10_000

DESKTOP = {"width": 1366, "height": 850}

STRICT = """
    window.violations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective }) => {
        violations.push(violatedDirective);
    });
"""


@dataclass(slots=True)
class Cluster:
    """What is looked at."""

    open: Node
    guarded: Node
    """The one with a token file."""
    tokens: Path
    phones: Phones
    """Registers at the open one."""


def url(node: Node, fragment: str = "") -> str:
    """Where a node's page is."""
    return f"http://{HOST}:{node.http_port}/{fragment}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window.

    As long as Playwright is there, an event loop runs in this thread: no test of another folder,
    which may want one of its own, comes in between those of a module.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: make peers")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Both nodes, ready."""
    folder = tmp_path_factory.mktemp("console")
    store = StoreServer(folder, append_only=False)
    tokens = folder / "tokens"
    tokens.write_text(f"read {READ}\nwrite {WRITE}\n")
    shared: dict[str, Section] = {
        "location": {"tables": ["location", "guests"]},
        "registrar": {"use_path": 1, "path_mode": 0},
        "node": {"workers": 1},
    }
    nodes: list[Node] = []
    try:
        nodes.append(Node(folder, store.url, shared))
        nodes.append(Node(folder, store.url, {**shared, "http": {"token_file": str(tokens)}}))
        with Phones(nodes[0].address) as phones:
            yield Cluster(nodes[0], nodes[1], tokens, phones)
    finally:
        for node in nodes:
            node.stop()
        store.stop()


def context(browser: Browser, **options: object) -> BrowserContext:
    """A fresh browser, in which what the policy refuses is noted down."""
    made = browser.new_context(**{"viewport": DESKTOP, "locale": "en-US", **options})  # type: ignore[arg-type]
    made.set_default_timeout(PATIENCE_MS)
    made.add_init_script(STRICT)
    return made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty tab on a desktop. At the end nothing may have gone wrong in it."""
    with context(browser) as made:
        page = made.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        assert [] == errors
