"""One address-of-record on the page: what is told of each binding, that it stays true, removal."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.peer.console.conftest import Cluster, url
from tests.peer.console.phones import DOMAIN

pytestmark = pytest.mark.peer


def look_at(page: Page, cluster: Cluster, user: str) -> None:
    """See its bindings."""
    page.goto(url(cluster.open, f"#/aors/{user}@{DOMAIN}"))
    expect(page.locator(".binding").first).to_be_visible()


def fact(page: Page, name: str) -> Locator:
    """What is told under a heading."""
    return page.locator(".facts div", has=page.locator("dt", has_text=name)).locator("dd")


def test_the_next_hop_is_the_contact_itself(page: Page, cluster: Cluster) -> None:
    """Nothing else leads to it, and any node can go there."""
    cluster.phones.register("plain", "sip:plain@192.0.2.20:5071;transport=tcp")

    look_at(page, cluster, "plain")

    expect(fact(page, "Next hop")).to_have_text("192.0.2.20:5071 TCPits Contact")
    expect(fact(page, "Owner")).to_have_text("any nodeno connection to hold")


def test_a_path_is_the_way_to_a_binding(page: Page, cluster: Cluster) -> None:
    """Its first hop is where a request goes first."""
    path = ["<sip:edge.example.test:5070;lr>", "<sip:inner.example.test;lr>"]
    cluster.phones.register("pathed", "sip:pathed@10.0.0.1", path=path, supported="path")

    look_at(page, cluster, "pathed")

    expect(fact(page, "Next hop")).to_have_text("edge.example.test:5070 UDPfirst hop of its Path")


def test_a_connection_has_an_owner(page: Page, cluster: Cluster) -> None:
    """The node and the worker that hold it, whichever node is asked."""
    node = cluster.guarded
    contact = "sip:held@10.0.0.2:5070;transport=tcp"
    cluster.phones.register_over_tcp(node.address, "held", contact)

    look_at(page, cluster, "held")

    owner = f"node-{node.port}worker 0 holds the connection"
    expect(fact(page, "Next hop")).to_have_text("10.0.0.2:5070 TCPover its open connection")
    expect(fact(page, "Owner")).to_have_text(owner)


def test_age_and_time_left_go_on(page: Page, cluster: Cluster) -> None:
    """Second by second, with nothing asked of the node in between."""
    cluster.phones.register("aging", "sip:aging@192.0.2.21", expires=3000)
    look_at(page, cluster, "aging")
    left, age = page.locator(".left"), page.locator("[data-time=age]")
    before = (left.inner_text(), age.inner_text())

    expect(left).not_to_have_text(before[0])
    expect(age).not_to_have_text(before[1])
    assert re.fullmatch(r"49 min \d\d s left", left.inner_text())


def test_only_the_clock_of_the_store_counts(page: Page, cluster: Cluster) -> None:
    """A browser may take it for another year."""
    page.clock.set_fixed_time("2031-05-01T00:00:00Z")
    cluster.phones.register("timed", "sip:timed@192.0.2.28", expires=3000)

    look_at(page, cluster, "timed")

    expect(page.locator(".left")).to_have_text(re.compile(r"(50|49) min \d\d s left"))


def test_all_that_is_kept_can_be_seen(page: Page, cluster: Cluster) -> None:
    """Behind a detail, which stays open when the binding changes."""
    cluster.phones.register("kept", "sip:kept@192.0.2.23", call_id="kept-1", cseq="41 REGISTER")
    look_at(page, cluster, "kept")
    page.get_by_text("All that is kept of it").click()
    kept = page.locator(".all")
    expect(kept).to_contain_text("kept-1")

    cluster.phones.register("kept", "sip:kept@192.0.2.23", call_id="kept-1", cseq="42 REGISTER")
    cluster.phones.register("kept", "sip:more@192.0.2.23")

    expect(page.locator(".binding")).to_have_count(2)
    expect(page.locator(".all", has_text="kept-1")).to_be_visible()
    expect(page.locator(".all", has_text="kept-1")).to_contain_text("42")


def test_what_happens_to_a_binding_shows_by_itself(page: Page, cluster: Cluster) -> None:
    """The feed says that something has: one comes, changes and goes."""
    phones, contact = cluster.phones, "sip:second@192.0.2.25"
    phones.register("watched", "sip:first@192.0.2.24")
    look_at(page, cluster, "watched")
    expect(page.locator("#feed-state")).to_have_text("live")

    phones.register("watched", contact, contact=f"<{contact}>;q=0.3")
    expect(page.locator(".binding h3")).to_have_count(2)
    phones.register("watched", contact, contact=f"<{contact}>;q=0.9")
    expect(fact(page, "Preference")).to_have_text(["q=0.9", "not said"])
    phones.register("watched", contact, expires=0)

    expect(page.locator(".binding h3")).to_have_text(["sip:first@192.0.2.24"])


def test_nothing_is_removed_without_being_meant(page: Page, cluster: Cluster) -> None:
    """Escape leaves it, and the focus is where it was."""
    cluster.phones.register("spared", "sip:spared@192.0.2.26")
    look_at(page, cluster, "spared")
    remove = page.get_by_role("button", name="Remove sip:spared@192.0.2.26")
    remove.press("Enter")
    dialog = page.get_by_role("dialog", name="Remove this binding?")
    expect(dialog).to_contain_text(f"sip:spared@192.0.2.26 of spared@{DOMAIN}")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()

    page.keyboard.press("Escape")

    expect(dialog).to_be_hidden()
    expect(remove).to_be_focused()
    status, text = cluster.open.fetch(f"/api/v1/aors/spared@{DOMAIN}")
    assert (200, 1) == (status, len(json.loads(text)["contacts"]))


def test_without_a_token_file_nothing_can_be_removed(page: Page, cluster: Cluster) -> None:
    """The node says what is missing, and the page asks for no token that would not help."""
    cluster.phones.register("fixed", "sip:fixed@192.0.2.27")
    look_at(page, cluster, "fixed")

    page.get_by_role("button", name="Remove sip:fixed").click()
    page.get_by_role("button", name="Remove", exact=True).click()

    problem = page.get_by_role("alert").filter(has_text="Not removed")
    expect(problem).to_contain_text("To change anything, set http.token_file.")
    expect(page.get_by_role("dialog")).to_have_count(0)
