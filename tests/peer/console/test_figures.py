"""Figures, nodes and workers on the page, and what it says when node or store are gone."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.peer.conftest import StartNode
from tests.peer.console.conftest import Cluster, url
from tests.peer.console.phones import DOMAIN, Phones
from tests.peer.server import StoreServer

pytestmark = pytest.mark.peer


def test_figures_are_those_of_the_store(page: Page, cluster: Cluster) -> None:
    """Bindings and addresses-of-record as the node counts them, thousands apart."""
    cluster.phones.register("counted", "sip:counted@192.0.2.50")
    tables = json.loads(cluster.open.fetch("/api/v1/counts")[1])["tables"]

    page.goto(url(cluster.open))

    both = {
        name: f"{sum(table[name] for table in tables.values()):,}" for name in ("bindings", "aors")
    }
    for name, figure in both.items():
        expect(page.locator(f"#{name}")).to_have_text(figure)


def test_nodes_are_told_with_their_leases(page: Page, cluster: Cluster) -> None:
    """Every node on the store, whichever is asked."""
    page.goto(url(cluster.open))

    names = page.locator("#nodes strong")
    expect(names).to_have_count(2)
    assert {f"node-{node.port}" for node in (cluster.open, cluster.guarded)} == set(
        names.all_inner_texts()
    )
    expect(page.locator("#nodes-up")).to_have_text("2")
    expect(page.locator("#nodes li").first).to_contain_text("up")
    expect(page.locator("#nodes li").first).to_contain_text("1 of 1 worker")


def test_workers_are_those_of_this_node(page: Page, cluster: Cluster) -> None:
    """With the process of each, for whoever has to look closer."""
    page.goto(url(cluster.open))

    row = page.locator("#workers li")
    expect(row).to_contain_text("worker 0")
    expect(row).to_contain_text(f"pid {cluster.open.workers()[0]}")
    expect(row).to_contain_text("0 restarts")
    expect(page.locator("#node-name")).to_have_text(f"node-{cluster.open.port}")


def test_rates_follow_what_the_node_does(page: Page, cluster: Cluster) -> None:
    """A REGISTER makes both rates more than nothing."""
    page.goto(url(cluster.open))
    rate = page.locator("[data-rate=registers] dd").first
    expect(rate).to_have_text(re.compile(r"\d"))

    cluster.phones.register("rated", "sip:rated@192.0.2.51")

    expect(rate).to_have_text(re.compile("[1-9]"))


def test_a_node_that_is_gone_is_said_to_be(page: Page, start_node: StartNode) -> None:
    """What is shown stays, and is said to be old."""
    node = start_node()
    with Phones(node.address) as phones:
        phones.register("left", "sip:left@192.0.2.52")
    page.goto(url(node, f"#/aors/left@{DOMAIN}"))
    expect(page.locator(".binding")).to_be_visible()

    node.stop()

    notice = page.locator("#notice")
    expect(notice).to_have_text("This node does not answer. It cannot be reached.")
    expect(notice).to_have_attribute("role", "alert")
    expect(page.locator("#node-state")).to_have_text("no answer")
    expect(page.locator("#feed-state")).to_have_text("lost")
    expect(page.locator(".binding")).to_be_visible()


def test_a_store_that_is_gone_is_said_to_be(
    page: Page, start_node: StartNode, store: StoreServer
) -> None:
    """The node answers, and says why it gets no traffic; when the store is back, all is well."""
    page.goto(url(start_node()))
    notice = page.locator("#notice")
    expect(page.locator("#node-state")).to_have_text("ready")

    store.kill()
    expect(page.locator("#node-state")).to_have_text("not ready")
    expect(notice).to_contain_text("gets no traffic")
    store.start()

    expect(page.locator("#node-state")).to_have_text("ready", timeout=20_000)
    expect(notice).to_be_hidden(timeout=20_000)


def test_a_store_with_nothing_in_it_is_no_fault(
    page: Page, start_node: StartNode, tmp_path: Path
) -> None:
    """The first phone shows up by itself."""
    node = start_node()
    page.goto(url(node))
    expect(page.locator(".empty strong")).to_have_text("Nothing is bound")
    expect(page.locator("#feed-state")).to_have_text("live")

    with Phones(node.address) as phones:
        phones.register("first", "sip:first@192.0.2.53")

    expect(page.locator(".aors .uri")).to_have_text([f"first@{DOMAIN}"])
