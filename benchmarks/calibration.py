"""A yardstick: a fixed piece of plain Python, timed beside whatever is measured.

A figure of one machine says nothing on another, nor on the same one an hour later; as a multiple of
the yardstick's turn it nearly does. The turn does what a registrar does all day: cut text at marks,
look things up by name, make small objects, count. It uses nothing of the product, is never
compiled, and must never change: every stored ratio would lose its meaning.
"""

from dataclasses import dataclass

TURNS = 200
"""Turns in one round: about two milliseconds, less than a scheduler's slice."""

_TEXT = (
    "alpha: one;two=2;three\r\nbravo: <four:five@six.test>;seven=8\r\ncharlie: 9 TEN\r\n"
    'delta: "eleven twelve" <thirteen:14@fifteen.test>;q=0.5\r\necho: a, b, c, d\r\n'
)


@dataclass(slots=True)
class _Piece:
    name: str
    head: str
    marks: dict[str, str]
    size: int


def turn(text: str) -> int:
    """One turn: the same work, and the same result, each time it is given the same text."""
    pieces: dict[str, _Piece] = {}
    start, total = 0, 0
    while (end := text.find("\r\n", start)) >= 0:
        name, _, value = text[start:end].partition(": ")
        head, *rest = value.split(";")
        marks = {}
        for item in rest:
            key, _, mark = item.partition("=")
            marks[key.lower()] = mark
        pieces[name] = _Piece(name, head.strip("<> "), marks, end - start)
        start = end + 2
    for number in range(24):
        piece = pieces["bravo" if number % 3 else "delta"]
        total += piece.size * number % 7 + len(piece.marks)
    return total + len("".join([piece.head for piece in pieces.values()]))


def texts() -> list[str]:
    """The inputs of one round."""
    return [_TEXT] * TURNS
