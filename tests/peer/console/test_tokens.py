"""A node that asks for tokens: nothing is told without, nothing is changed with one that reads."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.peer.console.conftest import READ, WRITE, Cluster, context, url
from tests.peer.console.phones import DOMAIN

pytestmark = pytest.mark.peer


@pytest.fixture
def tabs(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser."""
    with context(browser) as made:
        yield made


def enter(page: Page, token: str) -> None:
    """Answer the dialog that asks for a token."""
    dialog = page.get_by_role("dialog", name="Token")
    dialog.get_by_label("Token of the API").fill(token)
    dialog.get_by_role("button", name="Use it").click()


def admitted(tabs: BrowserContext, cluster: Cluster, token: str, fragment: str = "") -> Page:
    """A tab that has shown a token."""
    page = tabs.new_page()
    page.goto(url(cluster.guarded, fragment))
    page.get_by_role("button", name="Enter a token").click()
    enter(page, token)
    expect(page.locator("#node-state")).to_have_text("ready")
    return page


def test_without_a_token_the_page_tells_nothing(page: Page, cluster: Cluster) -> None:
    """It says what it needs, everywhere at once, and is no alarm."""
    cluster.phones.register("secret", "sip:secret@192.0.2.30")

    page.goto(url(cluster.guarded))

    expect(page.get_by_role("alert").filter(has_text="asks for a token")).to_be_visible()
    expect(page.locator("#node-state")).to_have_text("locked")
    expect(page.locator("#feed-state")).to_have_text("locked")
    expect(page.locator("#notice")).to_be_hidden()
    assert "192.0.2" not in page.locator("body").inner_text()


def test_a_token_that_reads_opens_all_there_is_to_see(
    tabs: BrowserContext, cluster: Cluster
) -> None:
    """Bindings, figures, nodes and the feed, without loading the page again."""
    cluster.phones.register("seen", "sip:seen@192.0.2.31")

    page = admitted(tabs, cluster, READ, f"#/aors/seen@{DOMAIN}")

    expect(page.locator(".binding h3")).to_have_text(["sip:seen@192.0.2.31"])
    expect(page.locator("#feed-state")).to_have_text("live")
    expect(page.locator("#nodes li")).to_have_count(2)
    expect(page.locator("#access")).to_have_text("Token in use")


def test_a_token_stays_in_its_tab(tabs: BrowserContext, cluster: Cluster) -> None:
    """It outlives a reload, and is in no address, no cookie and no other tab."""
    page = admitted(tabs, cluster, READ)
    page.reload()
    expect(page.locator("#node-state")).to_have_text("ready")

    other = tabs.new_page()
    other.goto(url(cluster.guarded))

    expect(other.locator("#node-state")).to_have_text("locked")
    assert ([READ], 0) == tuple(
        page.evaluate("[Object.values(sessionStorage), localStorage.length]")
    )
    assert ([], False) == (tabs.cookies(), READ in page.url)


def test_a_token_that_nobody_knows_is_asked_for_again(
    tabs: BrowserContext, cluster: Cluster
) -> None:
    """With the node's own word for it."""
    page = tabs.new_page()
    page.goto(url(cluster.guarded))
    page.get_by_role("button", name="Enter a token").click()

    enter(page, "a-token-of-nobody")

    expect(page.get_by_role("alert").filter(has_text="The token is unknown")).to_be_visible()
    expect(page.get_by_role("button", name="Enter a token")).to_be_visible()


@pytest.mark.parametrize("text", ["", "with a space", "naïve-token-16-chars"])
def test_what_is_no_token_is_not_tried(tabs: BrowserContext, cluster: Cluster, text: str) -> None:
    """It could not stand in a header."""
    page = tabs.new_page()
    page.goto(url(cluster.guarded))
    page.get_by_role("button", name="Enter a token").click()

    enter(page, text)

    expect(page.locator("#token-wrong")).not_to_be_empty()
    expect(page.get_by_label("Token of the API")).to_be_focused()


def test_removing_takes_a_token_that_writes(tabs: BrowserContext, cluster: Cluster) -> None:
    """It is asked for in the middle, and then what was meant is done."""
    cluster.phones.register("gone", "sip:gone@192.0.2.32")
    cluster.phones.register("gone", "sip:stays@192.0.2.32")
    page = admitted(tabs, cluster, READ, f"#/aors/gone@{DOMAIN}")
    page.get_by_role("button", name="Remove sip:gone@192.0.2.32").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("dialog", name="Token")).to_contain_text("The token only reads.")

    enter(page, WRITE)

    expect(page.locator(".binding h3")).to_have_text(["sip:stays@192.0.2.32"])
    expect(page.locator("#said")).to_have_text("Removed sip:gone@192.0.2.32")
    expect(page.get_by_role("button", name="Remove sip:stays@192.0.2.32")).to_be_focused()
    assert "sip:gone" not in cluster.open.fetch(f"/api/v1/aors/gone@{DOMAIN}")[1]


def test_the_last_binding_removed_leaves_an_empty_page(
    tabs: BrowserContext, cluster: Cluster
) -> None:
    """Which says so, and is not taken for a mistake."""
    cluster.phones.register("last", "sip:last@192.0.2.33")
    page = admitted(tabs, cluster, WRITE, f"#/aors/last@{DOMAIN}")

    page.get_by_role("button", name="Remove sip:last@192.0.2.33").click()
    page.get_by_role("button", name="Remove", exact=True).click()

    expect(page.locator(".empty strong")).to_have_text(f"Nothing is bound to last@{DOMAIN}")
    assert 404 == cluster.open.fetch(f"/api/v1/aors/last@{DOMAIN}")[0]


def test_a_token_can_be_forgotten(tabs: BrowserContext, cluster: Cluster) -> None:
    """Before somebody else sits down there."""
    page = admitted(tabs, cluster, READ)

    page.locator("#access").click()
    page.get_by_role("button", name="Forget it").click()

    expect(page.locator("#node-state")).to_have_text("locked")
    assert 0 == page.evaluate("sessionStorage.length")
