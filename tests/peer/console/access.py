"""What a page is like for those who do not see it all: measured in the browser, by our own rules.

Ratios are those of WCAG 2.2 (1.4.3, 1.4.11), names those that Chromium gives to a screen reader.
"""

from dataclasses import dataclass

from playwright.sync_api import Page

ROLES = {"button", "link", "textbox", "searchbox", "combobox", "listbox", "dialog", "region"}
"""What nobody can use without knowing its name."""

MOST_STOPS = 400

COLOURS = """
    const parse = (text) => {
        const numbers = text.match(/[\\d.]+/g).map(Number);
        const [r, g, b, a = 1] = numbers;
        return text.startsWith("color(") ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
    };
    const over = (top, under) => {
        const mixed = top.slice(0, 3).map((each, at) => each * top[3] + under[at] * (1 - top[3]));
        return [...mixed, 1];
    };
    const luminance = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((each) => {
            const share = each / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (one, other) => {
        const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
    };
    const ground = (element) => {
        const layers = [];
        for (let each = element; each; each = each.parentElement) {
            layers.push(parse(getComputedStyle(each).backgroundColor));
        }
        return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
    };
    const opacity = (element) => {
        let all = 1;
        for (let each = element; each; each = each.parentElement) {
            all *= Number(getComputedStyle(each).opacity);
        }
        return all;
    };
"""

PALE = f"""() => {{
    {COLOURS}
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (walker.nextNode()) {{
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (!text || !element.checkVisibility() || element.closest(".unseen, noscript")) continue;
        seen += 1;
        const style = getComputedStyle(element);
        const [r, g, b, a] = parse(style.color);
        const under = ground(element);
        const has = ratio(over([r, g, b, a * opacity(element)], under), under);
        const size = parseFloat(style.fontSize);
        const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (has < (isLarge ? 3 : 4.5)) found.push(`${{text}}: ${{has.toFixed(2)}}`);
    }}
    return [seen, found];
}}"""

RING = f"""() => {{
    {COLOURS}
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const under = ground(element.parentElement);
    const box = element.getBoundingClientRect();
    return {{
        isNone: element === document.body,
        what: element.id || element.textContent.trim() || element.tagName,
        isSeen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
        width: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        contrast: ratio(over(parse(style.outlineColor), under), under),
    }};
}}"""

EDGES = f"""() => {{
    {COLOURS}
    return [...document.querySelectorAll("input, select")]
        .filter((each) => each.checkVisibility() && !each.closest(".heading"))
        .map((each) => {{
            const under = ground(each.parentElement);
            return [each.id, ratio(parse(getComputedStyle(each).borderColor), under)];
        }})
        .filter(([, has]) => has < 3);
}}"""


@dataclass(slots=True, frozen=True)
class Ring:
    """How the element with the focus stands out."""

    what: str
    is_seen: bool
    width: float
    contrast: float

    @property
    def is_plain(self) -> bool:
        """Whether anybody can see where they are."""
        return self.is_seen and self.width >= 2 and self.contrast >= 3


def pale_texts(page: Page) -> list[str]:
    """Texts that stand out too little from what is behind them; there have to be texts."""
    seen, found = page.evaluate(PALE)
    assert seen > 20
    return list(found)


def pale_edges(page: Page) -> list[object]:
    """Fields whose edge nobody can make out."""
    return list(page.evaluate(EDGES))


def rings(page: Page) -> list[Ring]:
    """Every stop of the Tab key, from the top of the page until it is there again."""
    around = 0
    found: list[Ring] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        told = page.evaluate(RING)
        # A browser goes on from where somebody has clicked last: the first round leads to the top.
        around += told["isNone"]
        if around == 2:
            return found
        if around and not told["isNone"]:
            found.append(Ring(told["what"], told["isSeen"], told["width"], told["contrast"]))
    raise AssertionError(f"the Tab key leads nowhere: {found}")


def nameless(page: Page) -> list[str]:
    """What a screen reader could only call by its kind."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    known = [node for node in nodes if not node.get("ignored") and "role" in node]
    assert len(known) > 20
    return [
        node["role"]["value"]
        for node in known
        if node["role"]["value"] in ROLES and not node.get("name", {}).get("value", "").strip()
    ]
