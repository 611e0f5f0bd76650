"""The page as a whole: its own alone, still, legible, usable by keys and on a phone."""

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.peer.console.access import nameless, pale_edges, pale_texts, rings
from tests.peer.console.conftest import READ, Cluster, context, url
from tests.peer.console.phones import DOMAIN

pytestmark = pytest.mark.peer

PHONE = {"width": 375, "height": 812}

SHIFTS = """
    window.shifted = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            for (const { node } of entry.sources) {
                const element = node?.nodeType === 1 ? node : node?.parentElement;
                // New events push older ones down: that is what it is there for.
                if (element?.closest("#events")) continue;
                shifted.push(element ? element.outerHTML.slice(0, 120) : "?");
            }
        }
    }).observe({ type: "layout-shift", buffered: true });
"""


def settle(page: Page, node_url: str) -> None:
    """Open it, and wait until everything has been asked for and shown."""
    page.goto(node_url)
    expect(page.locator("#node-state")).to_have_text("ready")
    expect(page.locator("#feed-state")).to_have_text("live")
    expect(page.locator("#nodes li")).to_have_count(2)
    expect(page.locator("#bindings")).not_to_have_text("\u2013")
    expect(page.locator("#results")).to_have_attribute("aria-busy", "false")


@pytest.fixture
def shown(cluster: Cluster) -> str:
    """Where two bindings of an address are to be seen."""
    for number in range(2):
        cluster.phones.register("whole", f"sip:whole@192.0.2.{60 + number}")
    return url(cluster.open, f"#/aors/whole@{DOMAIN}")


def test_the_page_asks_nobody_but_its_node(page: Page, cluster: Cluster, shown: str) -> None:
    """Whatever is looked at; and nothing that it asks for is missing."""
    asked: set[str] = set()
    missing: list[str] = []
    page.context.on("request", lambda request: asked.add(request.url))
    page.context.on(
        "response", lambda answer: missing.append(answer.url) if not answer.ok else None
    )
    settle(page, shown)
    page.get_by_role("link", name="All addresses").click()
    expect(page.locator(".aors li").first).to_be_visible()

    node = url(cluster.open)
    assert [] == [each for each in asked if not each.startswith(node)]
    assert {f"{node}api/v1/{each}" for each in ("events?", "node", "nodes", "counts")} <= asked
    assert [] == missing


def test_the_page_keeps_its_own_policy(page: Page, shown: str) -> None:
    """Nothing that it does has to be stopped."""
    settle(page, shown)

    assert [] == page.evaluate("violations")


@pytest.mark.parametrize(
    ("attempt", "violated"),
    [
        ("document.body.innerHTML = '<b>hacked</b>'", "require-trusted-types-for"),
        (
            "document.head.append(make('script', { textContent: 'hacked = 1' }))",
            "require-trusted-types-for",
        ),
        ("document.head.append(make('style', { textContent: 'a {}' }))", "style-src-elem"),
        ("document.body.setAttribute('style', 'color: red')", "style-src-attr"),
        ("document.body.append(make('img', { src: 'http://127.0.0.2:9/' }))", "img-src"),
        ("await fetch('http://127.0.0.2:9/')", "connect-src"),
    ],
)
def test_what_gets_into_the_page_can_do_nothing(
    page: Page, shown: str, attempt: str, violated: str
) -> None:
    """The browser keeps the policy that the node has sent."""
    settle(page, shown)

    make = "const make = (name, having) => Object.assign(document.createElement(name), having);"
    page.evaluate(f"async () => {{ {make} try {{ {attempt} }} catch {{}} }}")

    page.wait_for_function("() => violations.length > 0")
    assert violated in page.evaluate("violations")
    assert page.evaluate("window.hacked === undefined")


@pytest.mark.parametrize("viewport", [{"width": 1366, "height": 850}, PHONE])
def test_nothing_jumps_while_the_page_fills(
    browser: Browser, shown: str, viewport: dict[str, int]
) -> None:
    """Every figure has its place before it is known."""
    with context(browser, viewport=viewport) as made:
        made.add_init_script(SHIFTS)
        page = made.new_page()
        settle(page, shown)

        assert [] == page.evaluate("shifted")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, cluster: Cluster, scheme: str) -> None:
    """At least 4.5 to 1, large ones 3 to 1: bindings, feed, dialogs, and what went wrong."""
    with context(browser, color_scheme=scheme) as made:
        page = made.new_page()
        settle(page, url(cluster.open, "#/"))
        cluster.phones.register("read", "sip:read@192.0.2.65")
        cluster.phones.register("read", "sip:read@192.0.2.65", expires=0)
        cluster.phones.register("read", "sip:read@192.0.2.66", expires=60)
        page.goto(url(cluster.open, f"#/aors/read@{DOMAIN}"))
        page.get_by_text("All that is kept of it").click()
        pale = pale_texts(page)
        page.get_by_role("button", name="Remove sip:read").click()
        pale += pale_texts(page)
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="Not removed")).to_be_visible()
        pale += pale_texts(page)
        page.locator("#access").click()
        page.keyboard.press("Enter")
        pale += pale_texts(page)

        assert ([], []) == (pale, pale_edges(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_can_always_be_seen(browser: Browser, shown: str, scheme: str) -> None:
    """A ring of two pixels, 3 to 1, at every stop of the Tab key, which leads to all there is."""
    with context(browser, color_scheme=scheme) as made:
        page = made.new_page()
        settle(page, shown)
        usable = page.locator("a[href], button, input, select, summary, [tabindex='0']")
        wanted = len([each for each in usable.all() if each.is_visible()])

        stops = rings(page)

        assert [] == [stop for stop in stops if not stop.is_plain]
        assert wanted == len(stops)


def test_everything_has_a_name(page: Page, shown: str) -> None:
    """For a screen reader, what can be used and what can be jumped to."""
    settle(page, shown)
    unnamed = nameless(page)
    page.locator("#access").click()
    unnamed += nameless(page)

    assert [] == unnamed


def test_headings_tell_how_the_page_is_made(page: Page, shown: str) -> None:
    """One of the first rank, none skipped; one main part; no id twice."""
    settle(page, shown)

    ranks = page.locator("h1, h2, h3, h4").evaluate_all("(all) => all.map((h) => +h.tagName[1])")
    ids = page.locator("[id]").evaluate_all("(all) => all.map(({ id }) => id)")
    assert (1, 1) == (ranks[0], ranks.count(1))
    assert [] == [(one, two) for one, two in pairwise(ranks) if two - one > 1]
    assert 1 == page.locator("main").count()
    assert len(set(ids)) == len(ids)
    assert "en" == page.locator("html").get_attribute("lang")


def test_the_first_key_skips_to_the_bindings(page: Page, shown: str) -> None:
    """Past what is the same on every view."""
    settle(page, shown)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the bindings")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.locator("#results")).to_be_focused()


def test_the_title_says_what_is_looked_at(page: Page, shown: str) -> None:
    """Tabs tell from each other."""
    settle(page, shown)

    expect(page).to_have_title(f"whole@{DOMAIN} \u2013 regcluster")


def test_figures_do_not_dance(page: Page, shown: str) -> None:
    """Digits are all of one width."""
    settle(page, shown)

    for place in ("#bindings", ".left", "#events", "#nodes"):
        variant = page.locator(place).first.evaluate(
            "(e) => getComputedStyle(e).fontVariantNumeric"
        )
        assert "tabular-nums" == variant


@pytest.mark.parametrize("width", [320, 375])
def test_nothing_sticks_out_on_a_phone(browser: Browser, cluster: Cluster, width: int) -> None:
    """Whatever a phone registers: the page is never wider than the screen."""
    long = "x" * 200
    cluster.phones.register(
        "wide", f"sip:{long}@192.0.2.67", user_agent=long, call_id=long, path=f"<sip:{long};lr>"
    )
    with context(browser, viewport={"width": width, "height": 700}) as made:
        page = made.new_page()
        for fragment in (f"#/aors/wide@{DOMAIN}", "#/", f"#/find/{long}*"):
            settle(page, url(cluster.open, fragment))
            for detail in page.get_by_text("All that is kept of it").all():
                detail.click()

            assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_finger_hits_what_it_means(browser: Browser, shown: str) -> None:
    """On a phone, nothing that can be pressed is smaller than 24 pixels (WCAG 2.2, 2.5.8)."""
    with context(browser, viewport=PHONE, has_touch=True, is_mobile=True) as made:
        page = made.new_page()
        settle(page, shown)

        boxes = page.locator("button, select, input, summary, .back").evaluate_all(
            """(all) => all.filter((each) => each.checkVisibility()).map((each) => {
                const { width, height } = each.getBoundingClientRect();
                return [each.outerHTML.slice(0, 80), Math.min(width, height)];
            })"""
        )
        assert len(boxes) > 5
        assert [] == [box for box in boxes if box[1] < 24]


def test_a_tab_that_nobody_sees_lets_its_stream_go(page: Page, cluster: Cluster) -> None:
    """A node has few of them; seen again, it goes on."""
    page.clock.install()
    settle(page, url(cluster.open))
    hide = "(is) => { Object.defineProperty(document, 'hidden', { value: is, configurable: true })"
    told = f"{hide}; document.dispatchEvent(new Event('visibilitychange')); }}"

    # Long before anybody would take the stream for dead.
    with page.expect_event("requestfailed", lambda it: "/events" in it.url, timeout=4000):
        page.evaluate(told, True)
        page.clock.run_for(31_000)
    with page.expect_request(lambda request: "/events" in request.url):
        page.evaluate(told, False)

    expect(page.locator("#feed-state")).to_have_text("live")


def test_a_node_that_reads_only_with_tokens_shows_the_same(
    browser: Browser, cluster: Cluster, shown: str
) -> None:
    """With a token in this tab already, nothing is asked."""
    with context(browser) as made:
        made.add_init_script(f"sessionStorage.setItem('regcluster.token', '{READ}')")
        page = made.new_page()

        settle(page, shown.replace(url(cluster.open), url(cluster.guarded)))

        expect(page.locator(".binding")).to_have_count(2)
