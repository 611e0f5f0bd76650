"""The live feed on the page: told as it happens, held back when asked, taken up again when lost."""

import signal

import pytest
from playwright.sync_api import Page, Request, expect

from tests.peer.console.conftest import READ, Cluster, url
from tests.peer.console.phones import DOMAIN

pytestmark = pytest.mark.peer

ROW = "#events li:has(a)"


def follow(page: Page, cluster: Cluster) -> None:
    """Have the feed of the open node before one's eyes."""
    page.goto(url(cluster.open))
    expect(page.locator("#feed-state")).to_have_text("live")


def test_before_anything_happens_the_feed_says_so(page: Page, cluster: Cluster) -> None:
    """An empty box could as well be a broken one."""
    follow(page, cluster)

    expect(page.locator("#events")).to_contain_text("Nothing since")


def test_the_newest_event_stands_on_top(page: Page, cluster: Cluster) -> None:
    """With its kind in a word, its time, the address and the contact."""
    follow(page, cluster)

    cluster.phones.register("fed", "sip:fed@192.0.2.40")
    cluster.phones.register("fed", "sip:fed@192.0.2.40", expires=0)

    rows = page.locator(ROW)
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("removed")
    expect(rows.nth(1)).to_contain_text("added")
    expect(rows.nth(0).locator("a")).to_have_text(f"fed@{DOMAIN}")
    expect(rows.nth(0).locator(".detail")).to_have_text("sip:fed@192.0.2.40")


def test_an_event_leads_to_its_address(page: Page, cluster: Cluster) -> None:
    """One key away."""
    follow(page, cluster)
    cluster.phones.register("led", "sip:led@192.0.2.41")

    page.locator(ROW).locator("a").first.press("Enter")

    expect(page.locator("h2.uri")).to_have_text(f"led@{DOMAIN}")


def test_a_screen_reader_is_told_a_sum(page: Page, cluster: Cluster) -> None:
    """Not each of thousands: how many there were, and the last, politely."""
    page.clock.install()
    follow(page, cluster)
    for number in range(3):
        cluster.phones.register(f"sum{number}", "sip:sum@192.0.2.42")
    page.clock.run_for(300)
    expect(page.locator(ROW)).to_have_count(3)

    page.clock.run_for(10_000)

    said = page.locator("#feed-said")
    expect(said).to_have_text(f"3 events, the last: added sum2@{DOMAIN}")
    expect(said).to_have_attribute("aria-live", "polite")


def test_a_paused_feed_stands_still(page: Page, cluster: Cluster) -> None:
    """It says how much waits, and tells it when it goes on."""
    follow(page, cluster)
    page.get_by_role("button", name="Pause").click()

    cluster.phones.register("paused", "sip:paused@192.0.2.43")

    expect(page.locator("#feed-state")).to_have_text("paused, 1 wait")
    expect(page.locator(ROW)).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(ROW)).to_have_count(1)
    expect(page.locator("#feed-state")).to_have_text("live")


def test_a_flood_is_kept_to_what_can_be_read(page: Page, cluster: Cluster) -> None:
    """The newest hundred rows; the page does not grow without end.

    Events of two users that are close together may change places.
    """
    follow(page, cluster)

    for number in range(150):
        cluster.phones.register(f"flood{number}", "sip:flood@192.0.2.44")

    expect(page.locator(ROW).filter(has_text=f"flood149@{DOMAIN}")).to_have_count(1)
    expect(page.locator(ROW)).to_have_count(100)


def test_a_lost_feed_goes_on_where_it_was(page: Page, cluster: Cluster) -> None:
    """What happened meanwhile is told; nothing twice, and nothing of before anybody looked."""
    for number in range(5):
        cluster.phones.register(f"earlier{number}", "sip:earlier@192.0.2.47")
    page.add_init_script(f"sessionStorage.setItem('regcluster.token', '{READ}')")
    page.goto(url(cluster.guarded))
    expect(page.locator("#feed-state")).to_have_text("live")
    for number in range(3):
        cluster.phones.register(f"before{number}", "sip:before@192.0.2.45")
        expect(page.locator(ROW)).to_have_count(number + 1)

    def is_again(request: Request) -> bool:
        return "/events" in request.url and "last-event-id" in request.headers

    with page.expect_request(is_again):
        # Streams end when tokens change: whoever still has one comes back.
        cluster.tokens.write_text(cluster.tokens.read_text() + f"read one-more-token-{page.url}\n")
        cluster.guarded.signal(signal.SIGHUP)
        expect(page.locator("#feed-state")).to_have_text("lost")
        cluster.phones.register("meanwhile", "sip:meanwhile@192.0.2.46")

    names = page.locator(f"{ROW} a")
    expect(names.first).to_have_text(f"meanwhile@{DOMAIN}")
    expect(names).to_have_text(
        [f"{user}@{DOMAIN}" for user in ("meanwhile", "before2", "before1", "before0")]
    )
    expect(page.locator("#feed-state")).to_have_text("live")
