"""What became of one request: the responses to it, as named values that can be compared.

What differs between any two programs, and says nothing about either, is taken out here: their
addresses, the port of a connection, record-unique ids, and the user part of a temporary GRUU.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.peer.differential.sequence import Value

TOLD = 299
"""The status of a script's own last word."""

ROW_OF = {
    "p-registrar-error": "error",
    "path": "path",
    "unsupported": "unsupported",
    "flow-timer": "flow_timer",
    "min-expires": "min_expires",
    "retry-after": "retry_after",
    "service-route": "service_route",
}
"""Headers that are compared as they are, and under what name."""

TAGS_OF = {"supported": "supported", "require": "require"}
"""Headers that hold a set."""

UNSEEN = frozenset({"via", "from", "to", "call-id", "cseq", "server", "content-length", "date"})
"""Headers of any response, which are no registrar's; Date is a SHOULD that the peer leaves out."""

_TEMPORARY = re.compile(r'(temp-gruu="sips?:)[^@"]+@')
_RUID = re.compile(r"\b(ul[oc][oc]|ulcx)-[0-9a-zA-Z-]+")
_ENDLESS = re.compile(r"(?<=expires=)\d{20}")
_EXPIRES = re.compile(r"(?<=expires=)\d+")


@dataclass(frozen=True, slots=True)
class Message:
    """A response, read no further than needed."""

    status: int
    reason: str
    rows: Sequence[tuple[str, str]]
    """Names in lower case."""

    def values(self, name: str) -> list[str]:
        """The rows of one name."""
        return [value for key, value in self.rows if key == name]


@dataclass(slots=True)
class Known:
    """What a program gave that later requests may name, by placeholder."""

    texts: dict[str, str] = field(default_factory=dict)

    def learn(self, messages: Sequence[Message]) -> None:
        """Keep the last GRUUs and ruid of ``messages``."""
        for message in messages:
            for value in message.values("contact"):
                self._find("{pub}", r'pub-gruu="([^"]+)"', value)
                self._find("{temp}", r'temp-gruu="([^"]+)"', value)
            for value in message.values("x-known-ruid") + message.values("x-ruid"):
                self._find("{ruid}", r"(ul\S+)", value)

    def _find(self, name: str, pattern: str, text: str) -> None:
        if found := re.findall(pattern, text):
            self.texts[name] = found[-1]


def parse(data: str) -> Message:
    """Read a response; header rows that are folded or broken stay what they are."""
    first, *lines = data.split("\r\n\r\n")[0].split("\r\n")
    _, status, reason = first.split(" ", 2)
    # A row that is broken by a NUL ends there; it stays, for all to see.
    rows = [(line.split("\0")[0] + "\0" if "\0" in line else line).partition(":") for line in lines]
    return Message(int(status), reason, [(n.strip().lower(), v.strip(" ")) for n, _, v in rows])


def outcome(
    messages: Sequence[Message], places: Mapping[str, str], spread: tuple[int, int] | None
) -> dict[str, Value]:
    """What ``messages`` say, without the addresses in ``places``; the last is the script's."""
    seen: dict[str, Value] = {}
    answers = [message for message in messages if message.status != TOLD]
    if answers:
        seen["status"] = ", ".join(_status(answer) for answer in answers)
        seen |= _registrar(answers[0])
    if messages:
        seen |= _script(messages[-1])
    return {name: _plain(value, places, spread) for name, value in seen.items()}


def _status(answer: Message) -> str:
    """Status and reason phrase; ours repeats in it what P-Registrar-Error says."""
    if answer.status == 400 and [answer.reason] == answer.values("p-registrar-error"):
        return "400 Bad Request"
    return f"{answer.status} {answer.reason}"


def _registrar(answer: Message) -> dict[str, Value]:
    seen: dict[str, Value] = {}
    for name, value in answer.rows:
        if name == "contact":
            listed = seen.setdefault("contacts", [])
            assert isinstance(listed, list)
            listed += re.split(r",\s*(?=<)", value)
        elif name in TAGS_OF:
            tags = {tag.strip() for row in answer.values(name) for tag in row.split(",")}
            seen[TAGS_OF[name]] = ", ".join(sorted(tags - {""})) or None
        elif name in ROW_OF:
            seen[ROW_OF[name]] = re.sub(r"\s*,\s*", ", ", ", ".join(answer.values(name)))
        elif name not in UNSEEN and not name.startswith("x-"):
            seen["other"] = f"{name}: {value}"
    return seen


def _script(last: Message) -> dict[str, Value]:
    seen: dict[str, Value] = {}
    for code in last.values("x-code"):
        seen["code"] = int(code)
    for value in last.values("x-rpc"):
        seen["rpc"] = re.sub(r"\s", "", value)
    for name in ("rcd", "ulc", "keep", "xavp"):
        if values := last.values(f"x-{name}"):
            seen[name] = [value.replace("<null>", "") for value in values]
    if branches := last.values("x-branch"):
        paths = last.values("x-path") or ["?"]
        # Of the first branch the peer's variables do not tell the path; the script asks for it.
        branches[0] = f"{branches[0]}|{paths[0]}|"
        seen["branches"] = [branch.replace("<null>", "") for branch in branches]
    return seen


def _plain(value: Value, places: Mapping[str, str], spread: tuple[int, int] | None) -> Value:
    if isinstance(value, list):
        return [_text(text, places, spread) for text in value]
    return _text(value, places, spread) if isinstance(value, str) else value


def _text(text: str, places: Mapping[str, str], spread: tuple[int, int] | None) -> str:
    text = _TEMPORARY.sub(r"\1TEMP@", text)
    for place, name in places.items():
        text = text.replace(place, name)
    text = _ENDLESS.sub("endless", _RUID.sub("RUID", text))
    if spread:
        least, most = spread
        text = _EXPIRES.sub(lambda n: "~" if least <= int(n[0]) <= most else n[0], text)
    return text
