"""Finding an address-of-record: typed, listed, linked to."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.peer.console.conftest import Cluster, url
from tests.peer.console.phones import DOMAIN

pytestmark = pytest.mark.peer


def look_for(page: Page, text: str) -> None:
    """Type it, as somebody does who has no mouse."""
    page.keyboard.press("Control+K")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_an_address_is_found_without_a_mouse(page: Page, cluster: Cluster) -> None:
    """A shortcut leads to the field, Enter to the bindings."""
    cluster.phones.register("keys", "sip:keys@192.0.2.1:5070")
    page.goto(url(cluster.open))

    look_for(page, f"keys@{DOMAIN}")

    expect(page.locator("h2.uri")).to_have_text(f"keys@{DOMAIN}")
    expect(page.locator(".binding h3")).to_have_text(["sip:keys@192.0.2.1:5070"])
    expect(page.locator("#said")).to_have_text(f"1 binding of keys@{DOMAIN}")


def test_a_name_without_its_domain_is_the_beginning_of_addresses(
    page: Page, cluster: Cluster
) -> None:
    """Who does not know the domain sees all who are called so."""
    for user in ("begin1", "begin2", "other"):
        cluster.phones.register(user, f"sip:{user}@192.0.2.2")
    page.goto(url(cluster.open))

    look_for(page, "begin")

    names = page.locator(".aors .uri")
    expect(names).to_have_count(2)
    assert {f"begin1@{DOMAIN}", f"begin2@{DOMAIN}"} == set(names.all_inner_texts())


def test_a_domain_lists_its_addresses(page: Page, cluster: Cluster) -> None:
    """And nobody else's."""
    aor = "<sip:guest@lonely.test>"
    cluster.phones.register("guest", "sip:guest@192.0.2.3", to=aor, from_=f"{aor};tag=1")
    page.goto(url(cluster.open))

    look_for(page, "@lonely.test")

    expect(page.locator(".aors .uri")).to_have_text(["guest@lonely.test"])


def test_a_list_leads_to_each_of_its_addresses(page: Page, cluster: Cluster) -> None:
    """The focus goes along, so that the next key is for what is new."""
    cluster.phones.register("listed", "sip:listed@192.0.2.4")
    page.goto(url(cluster.open, "#/find/listed*"))

    page.locator(".aors a").press("Enter")

    expect(page.locator("h2.uri")).to_be_focused()
    expect(page.locator("h2.uri")).to_have_text(f"listed@{DOMAIN}")


def test_a_long_list_goes_on_when_asked(page: Page, cluster: Cluster) -> None:
    """The first of the further ones has the focus."""
    for number in range(53):
        cluster.phones.register(f"many{number}", f"sip:m@192.0.2.5:{6000 + number}")
    page.goto(url(cluster.open, "#/find/many*"))
    expect(page.locator(".aors li")).to_have_count(50)

    page.get_by_role("button", name="Show more").press("Enter")

    expect(page.locator(".aors li")).to_have_count(53)
    expect(page.locator(".aors li").nth(50).locator("a")).to_be_focused()
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_going_back_shows_what_was_there(page: Page, cluster: Cluster) -> None:
    """Each view has an address of its own, which can be sent to a colleague."""
    cluster.phones.register("behind", "sip:behind@192.0.2.6")
    page.goto(url(cluster.open, f"#/aors/behind@{DOMAIN}"))
    expect(page.locator("h2.uri")).to_have_text(f"behind@{DOMAIN}")
    page.get_by_role("link", name="All addresses").click()
    expect(page.get_by_role("heading", name="Addresses", exact=True)).to_be_visible()

    page.go_back()

    expect(page.locator("h2.uri")).to_have_text(f"behind@{DOMAIN}")
    expect(page.locator("#query")).to_have_value(f"behind@{DOMAIN}")


def test_nobody_there_is_said_with_where_to_look(page: Page, cluster: Cluster) -> None:
    """A name that is not there may be spelled otherwise."""
    page.goto(url(cluster.open, f"#/aors/nobody@{DOMAIN}"))

    expect(page.locator(".empty strong")).to_have_text(f"Nothing is bound to nobody@{DOMAIN}")
    expect(page.locator(".empty a")).to_have_text(["nobody*", f"@{DOMAIN}"])


def test_what_is_no_address_is_refused_in_words(page: Page, cluster: Cluster) -> None:
    """The node's own."""
    page.goto(url(cluster.open))

    look_for(page, "a b@<c>")

    expect(page.get_by_role("alert").filter(has_text="cannot be looked for")).to_contain_text(
        "is no address-of-record"
    )


def test_another_table_is_chosen(page: Page, cluster: Cluster) -> None:
    """List, figures and feed are those of the table."""
    cluster.phones.register("tabled", "sip:tabled@192.0.2.8")
    page.goto(url(cluster.open, "#/find/tabled*"))
    expect(page.locator(".aors li")).to_have_count(1)

    page.get_by_label("Location table").select_option("guests")

    expect(page.locator(".empty strong")).to_have_text("No address begins with tabled")
    expect(page.locator("#bindings")).to_have_text("0")
    assert page.url.endswith("?table=guests")


def test_markup_of_a_phone_stays_text(page: Page, cluster: Cluster) -> None:
    """A name that is a script runs nowhere, and none hides itself."""
    evil = "<img src=x onerror=window.hacked=1>"
    contact = "sip:evil@192.0.2.9;x=%3Cscript%3E"
    cluster.phones.register("evil", contact, user_agent=f"{evil} \u202egnp.exe\udcff")
    page.goto(url(cluster.open, f"#/aors/{quote(f'evil@{DOMAIN}')}"))

    agent = page.locator(".facts dd").last
    expect(agent).to_have_text(f"{evil} \\u{{202e}}gnp.exe\\xff")
    assert page.evaluate("window.hacked === undefined && violations.length === 0")
