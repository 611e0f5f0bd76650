"""What a Kamailio configuration file says of its registrar: modparam lines, and names of tables.

Enough of the language is read for that: comments, strings, ``#!define`` and ``#!ifdef``. What would
take Kamailio itself to know (files it includes, expressions, the environment) is not guessed: it
comes out as a remark, or as a parameter without a value. Nothing here touches the world.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise

MODULES = ("registrar", "usrloc")

TABLE_FUNCTIONS = {
    *("save", "lookup", "lookup_to_dset", "lookup_branches", "lookup_xavp", "registered"),
    *("unregister", "reg_fetch_contacts", "reg_from_user"),
}
"""Script functions whose first argument is a location table."""

WORDS = {
    **dict.fromkeys(("yes", "true", "on", "enable"), 1),
    **dict.fromkeys(("no", "false", "off", "disable"), 0),
}
"""What Kamailio reads as a number."""

EVALUATED_ELSEWHERE = {
    *("substdef", "substdefs", "subst", "defexp", "defexps", "defenv", "defenvs"),
    *("trydefenv", "trydefenvs"),
}
"""Directives that are told as remarks."""

INCLUSIONS = ("include_file", "import_file")
"""So are these, with or without the marks of a directive."""

MAX_CALL = 200
"""Tokens in which a call has to end: looking further for each would take the square of the file."""

MAX_DEPTH = 32
"""How deep one definition may stand for others."""

MAX_EXPANDED = 100_000
"""Tokens that definitions may bring into one file: a few lines can stand for any number of them."""

_DIRECTIVE = re.compile(r"^[ \t]*(?:#!|!!)(?P<verb>\w+)[ \t]*(?P<rest>(?:\\\n|[^\n])*)", re.M)

_TOKEN = re.compile(
    r"""
    (?P<blank> [^\S\n]+ | \n | /\*.*?(?:\*/|\Z) | //[^\n]* | \#[^\n]* )
  | (?P<string> "(?:[^"\\]|\\.)*" | '[^']*' )
  | (?P<word> \w+ )
  | (?P<other> . )
    """,
    re.X | re.S,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter set for one module."""

    module: str
    name: str
    text: str
    """The value as it is written."""
    value: str | int | None
    """What it comes to; None: only Kamailio could tell."""
    line: int
    is_certain: bool = True
    """False where it depends on a condition that was not evaluated."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was not carried out."""

    line: int
    text: str


@dataclass(slots=True)
class Reading:
    """All that was found."""

    parameters: list[Parameter] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    """In the order in which the script names them, each once."""
    remarks: list[Remark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    is_certain: bool


def read(text: str, defines: Mapping[str, str]) -> Reading:
    """What ``text`` says, where ``defines`` hold as if given with Kamailio's ``-A``."""
    reading = Reading()
    tokens = list(_Scanner(text, defines, reading.remarks).tokens())
    for place, (token, after) in enumerate(pairwise(tokens)):
        if token.text in INCLUSIONS and after.kind == "string":
            reading.remarks.append(Remark(token.line, f"{token.text} {after.text} is not read"))
        if token.kind != "word" or after.text != "(":
            continue
        if token.text in ("modparam", "modparamx"):
            _take_parameter(_arguments(tokens, place + 2), token, reading)
        elif token.text in TABLE_FUNCTIONS:
            _take_table(_arguments(tokens, place + 2), reading)
    return reading


def _take_parameter(arguments: list[list[_Token]], start: _Token, reading: Reading) -> None:
    if len(arguments) != 3:
        reading.remarks.append(Remark(start.line, f"{start.text} without three arguments"))
        return
    modules, name, value = arguments
    for module in MODULES:
        if _is_meant(module, _value(modules)):
            reading.parameters.append(
                Parameter(
                    module=module,
                    name=str(_value(name)),
                    text="".join(token.text for token in value),
                    value=None if start.text == "modparamx" else _value(value),
                    line=start.line,
                    is_certain=start.is_certain,
                )
            )


def _take_table(arguments: list[list[_Token]], reading: Reading) -> None:
    name = _value(arguments[0]) if arguments else None
    if isinstance(name, str) and name not in reading.tables:
        reading.tables.append(name)


def _is_meant(module: str, pattern: str | int | None) -> bool:
    """Whether the first argument of modparam, a regular expression, fits ``module``."""
    try:
        return re.fullmatch(str(pattern), module) is not None
    except re.error:
        return False


def _arguments(tokens: list[_Token], start: int) -> list[list[_Token]]:
    """The arguments from ``start`` on, behind an opening bracket; none if it is not closed soon."""
    found: list[list[_Token]] = [[]]
    depth = 0
    for token in islice(tokens, start, start + MAX_CALL):
        if token.text == ")" and depth == 0:
            return found if found != [[]] else []
        if token.text == "," and depth == 0:
            found.append([])
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        found[-1].append(token)
    return []


def _value(tokens: list[_Token]) -> str | int | None:
    """The constant that ``tokens`` spell; None if they spell none."""
    if tokens and all(token.kind == "string" for token in tokens):
        return "".join(_unquoted(token.text) for token in tokens)
    sign = "-" if tokens and tokens[0].text == "-" else ""
    number = tokens[len(sign) :]
    if len(number) != 1:
        return None
    word = number[0].text
    if word.lower() in WORDS:
        return WORDS[word.lower()]
    try:
        return int(sign + word, 0)
    except ValueError:
        return None


def _unquoted(text: str) -> str:
    if text[0] == "'":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1], flags=re.S)


_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class _Scanner:
    """Tokens of the parts that are not conditioned away, names replaced by what they stand for."""

    def __init__(self, text: str, defines: Mapping[str, str], remarks: list[Remark]) -> None:
        self._text = text
        self._defines = dict(defines)
        self._remarks = remarks
        self._conditions: list[bool | None] = []
        """Of the blocks we are in, outermost first; None: not evaluated."""
        self._line, self._counted = 1, 0
        self._room = MAX_EXPANDED

    def tokens(self) -> Iterator[_Token]:
        """All of them in order."""
        place = 0
        while place < len(self._text):
            directive = _DIRECTIVE.match(self._text, place)
            if directive:
                rest = directive["rest"].replace("\\\n", " ").strip()
                self._obey(directive["verb"], rest, self._line_of(place))
                place = directive.end()
            elif False in self._conditions:
                end = self._text.find("\n", place)
                place = len(self._text) if end < 0 else end + 1
            else:
                found = _token_at(self._text, place)
                place = found.end()
                yield from self._expanded(found, self._line_of(found.start()), set())

    def _expanded(self, found: re.Match[str], line: int, within: set[str]) -> Iterator[_Token]:
        """A token, or those of the definition it names."""
        kind, text = str(found.lastgroup), found[0]
        meaning = self._defines.get(text) if kind == "word" and text not in within else None
        if meaning and (len(within) == MAX_DEPTH or self._room <= 0):
            remark = Remark(line, f"{text} is left as it is: it stands for too much")
            if remark not in self._remarks[-1:]:
                self._remarks.append(remark)
            meaning = None
        if meaning:
            for inner in _TOKEN.finditer(meaning):
                self._room -= 1
                yield from self._expanded(inner, line, within | {text})
        elif kind != "blank":
            yield _Token(kind, text, line, None not in self._conditions)

    def _line_of(self, place: int) -> int:
        """The number of a line; places only go up."""
        self._line += self._text.count("\n", self._counted, place)
        self._counted = place
        return self._line

    def _obey(self, verb: str, rest: str, line: int) -> None:
        name, value = [*rest.split(None, 1), "", ""][:2]
        match verb:
            case "ifdef":
                self._conditions.append(name in self._defines)
            case "ifndef":
                self._conditions.append(name not in self._defines)
            case "ifexp":
                self._conditions.append(None)
            case "else":
                if self._conditions and self._conditions[-1] is not None:
                    self._conditions[-1] = not self._conditions[-1]
            case "endif":
                del self._conditions[-1:]
            case _ if False not in self._conditions:
                self._define(verb, name, value, line)

    def _define(self, verb: str, name: str, value: str, line: int) -> None:
        if verb in ("define", "def", "redefine", "redef"):
            self._defines[name] = value
        elif verb in ("trydef", "trydefine"):
            self._defines.setdefault(name, value)
        elif verb in EVALUATED_ELSEWHERE:
            self._remarks.append(Remark(line, f"#!{verb} {name} is not carried out"))
        elif verb in INCLUSIONS:
            self._remarks.append(Remark(line, f"{verb} {name} is not read"))


def _token_at(text: str, place: int) -> re.Match[str]:
    found = _TOKEN.match(text, place)
    assert found, "a single character is a token at least"
    return found
