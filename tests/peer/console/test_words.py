"""What the page's own functions make of values: tables, run in the browser."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.peer.console.conftest import Cluster, context, url

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def made(browser: Browser, cluster: Cluster) -> Iterator[Page]:
    """The page, for its modules alone."""
    with context(browser) as opened:
        page = opened.new_page()
        page.goto(url(cluster.open))
        yield page


def call(page: Page, module: str, body: str, value: object) -> object:
    """What ``body`` gives for ``value``, with all that a module exports as ``own``."""
    code = f"async (value) => {{ const own = await import('/console/{module}'); {body} }}"
    return page.evaluate(code, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice@example.com", "alice@example.com"),
        ("Zoë 李", "Zoë 李"),
        ("a\nb\x1b[2J", "a\\x0ab\\x1b[2J"),
        ("\u202egnp", "\\u{202e}gnp"),
        ("a\u200bb\ufeff", "a\\u{200b}b\\u{feff}"),
        ("line\u2028end", "line\\u{2028}end"),
    ],
)
def test_nothing_hides_in_what_is_shown(made: Page, text: str, expected: str) -> None:
    """What could not be seen, or could turn other text around, is escaped."""
    shown = call(made, "text.js", "return own.shown(value)", text)

    assert expected == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice@example.com", "alice@example.com"),
        ("a/b?c#d%e", "a%2Fb%3Fc%23d%25e"),
        ("Zoë", "Zo%C3%AB"),
        ("\U0001f600", "%F0%9F%98%80"),
        (r"\udcff\udc80", "%FF%80"),
        (r"\ud83d", "%EF%BF%BD"),
        ("a+b", "a%2Bb"),
    ],
)
def test_every_text_fits_into_a_path(made: Page, text: str, expected: str) -> None:
    """Octets that are no UTF-8 stay the octets that they are; half a character is none."""
    encoded = call(made, "text.js", "return own.encoded(JSON.parse(value))", f'"{text}"')

    assert expected == encoded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the token only reads", "The token only reads."),
        ("http.listen is no loopback address", "http.listen is no loopback address."),
        ("It took too long to answer.", "It took too long to answer."),
    ],
)
def test_what_the_node_says_is_a_sentence(made: Page, text: str, expected: str) -> None:
    """A setting is spelled as it is, wherever it stands."""
    assert expected == call(made, "text.js", "return own.sentence(value)", text)


@pytest.mark.parametrize(
    ("ms", "expected"),
    [
        (-1, "0 s"),
        (999, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min 00 s"),
        (3_599_000, "59 min 59 s"),
        (3_660_000, "1 h 01 min"),
        (86_400_000 * 12 + 3_600_000 * 5, "12 d 05 h"),
    ],
)
def test_a_duration_has_two_units(made: Page, ms: int, expected: str) -> None:
    """The lesser one as wide as it ever is, so that nothing jumps."""
    duration = call(made, "text.js", "return own.duration(value)", ms)

    assert expected == duration


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (0.04, "<0.1"), (0.31, "0.3"), (9.96, "10.0"), (41.5, "42"), (12345.6, "12,346")],
)
def test_a_rate_is_as_long_as_it_has_to_be(made: Page, number: float, expected: str) -> None:
    """Something is never shown as nothing."""
    rate = call(made, "text.js", "return own.rate(value)", number)

    assert expected == rate


CONTACT = {"contact": "sip:a@192.0.2.1", "path": None, "received": None, "connection": None}


@pytest.mark.parametrize(
    ("contact", "hop"),
    [
        ({}, "192.0.2.1 UDP"),
        ({"contact": "sip:a@192.0.2.1:5070;transport=tcp"}, "192.0.2.1:5070 TCP"),
        ({"contact": "sips:[2001:db8::1]:5071"}, "[2001:db8::1]:5071 TLS"),
        ({"contact": "sip:host.example.com;ob"}, "host.example.com UDP"),
        ({"contact": "tel:+15551234"}, "tel:+15551234"),
        ({"received": "sip:203.0.113.9:1024;transport=tcp"}, "203.0.113.9:1024 TCP"),
        ({"path": "<sip:edge;lr>,<sip:core;lr>", "received": "sip:203.0.113.9"}, "edge UDP"),
        ({"path": '"<sip:no>" <sip:tok@edge:5070;lr>'}, "edge:5070 UDP"),
        ({"path": "sip:edge;lr, sip:core"}, "edge UDP"),
    ],
)
def test_path_goes_before_received_and_that_before_the_contact(
    made: Page, contact: dict[str, str], hop: str
) -> None:
    """As the node itself goes (RFC 3327 §5.4)."""
    found = call(made, "text.js", "return own.nextHop(value).hop", {**CONTACT, **contact})

    assert hop == found


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (None, None),
        ("edge-1/0.4faa59fa.1", {"node": "edge-1", "worker": "0"}),
        ("a/b/12.4faa59fa.7", {"node": "a/b", "worker": "12"}),
    ],
)
def test_a_connection_names_node_and_worker(
    made: Page, connection: str | None, expected: dict[str, str] | None
) -> None:
    """A node may have any name."""
    assert expected == call(made, "text.js", "return own.owner(value)", connection)


@pytest.mark.parametrize(
    ("left_s", "words", "life"),
    [
        (3600, "1 h 00 min left", "long"),
        (400, "6 min 40 s left", "long"),
        (300, "5 min 00 s left", "short"),
        (0, "expired", "over"),
        (-9, "expired", "over"),
    ],
)
def test_the_end_of_a_lifetime_stands_out(made: Page, left_s: int, words: str, life: str) -> None:
    """The last tenth of it; the words say so as well as the colour."""
    contact = {
        **CONTACT,
        **dict.fromkeys(("call_id", "user_agent", "ruid"), "x"),
        **{"q": None, "cseq": 1, "cflags": 0, "xavp": None, "methods": None, "params": ""},
        **{"created_at": 0, "modified_at": 0, "expires_at": 3_600_000},
    }
    body = """
        const binding = new own.Binding(value.contact, () => {});
        binding.tell(value.now);
        return [binding.element.querySelector(".left").textContent, binding.element.dataset.life];
    """
    now = 3_600_000 - 1000 * left_s

    told = call(made, "binding.js", body, {"contact": contact, "now": now})

    assert [words, life] == told


STREAM = (
    "retry: 2000\n\n"
    'id: 1:5-0\nevent: added\ndata: {"aor": "a: b"}\n\n'
    ":\n\n"
    'event: store\ndata: {"problem": null}\n\n'
)


@pytest.mark.parametrize("length", [1, 2, 7, 1000])
def test_a_stream_is_read_however_it_is_cut(made: Page, length: int) -> None:
    """Events are as they were sent; what is no event, a heartbeat, is none."""
    body = """
        const found = [];
        const parse = own.parser((event) => found.push(event));
        value.forEach(parse);
        return found;
    """
    pieces = [STREAM[at : at + length] for at in range(0, len(STREAM), length)]

    found = call(made, "stream.js", body, pieces)

    assert [
        {"id": "1:5-0", "event": "added", "data": json.dumps({"aor": "a: b"})},
        {"event": "store", "data": '{"problem": null}'},
    ] == found
