"""What a script hangs on its call: AVPs, XAVPs and numbered flags, as Kamailio's scripts do.

An AVP is a name with a list of values; an XAVP is a name with a list of *roots*, each of which
holds lists of values by name. What was added last is first. Values are integers and strings and
nothing else, for they may end up in the store: another type is refused where it is written, and
one that is not the type a function reads is refused there (``ScriptError``), never passed over.
"""

from collections.abc import Iterator
from typing import TypeVar

from regcluster.errors import ScriptError
from regcluster.registrar.binding import Xavp

Value = str | int

MAX_FLAG = 31
"""The highest number a flag can have."""

_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1

T = TypeVar("T", str, int)


def checked(value: object) -> Value:
    """``value``, which must be a string or an integer of 64 bits. Raises ``ScriptError``."""
    if isinstance(value, str):
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise ScriptError(f"a value is a string or an integer, not {type(value).__name__}")
    if not _MIN_INT <= value <= _MAX_INT:
        raise ScriptError("an integer has 64 bits")
    return int(value)


def flag_bit(number: int) -> int:
    """The bit of flag ``number``. Raises ``ScriptError`` if there is no such flag."""
    if not 0 <= number <= MAX_FLAG:
        raise ScriptError(f"there is no flag {number}: they are numbered from 0 to {MAX_FLAG}")
    return 1 << number


def avp_name(text: str) -> str:
    """The name of an AVP spelled ``$avp(rcv)``, ``$avp(s:rcv)`` or just ``rcv``.

    One with a number for a name, ``$avp(i:5)``, is called ``i:5``.
    """
    name = text.strip()
    if name.startswith("$avp(") and name.endswith(")"):
        name = name[5:-1].strip()
    return name.removeprefix("s:")


class Avps:
    """The AVPs of a call; names may be spelled as ``avp_name`` reads them."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, list[Value]] = {}

    def add(self, name: str, value: Value) -> None:
        """Put one more value in front of those called ``name``."""
        self._values.setdefault(avp_name(name), []).insert(0, checked(value))

    def set(self, name: str, value: Value) -> None:
        """Make ``value`` the only one called ``name``."""
        self._values[avp_name(name)] = [checked(value)]

    def first(self, name: str) -> Value | None:
        """The newest value; None if there is none."""
        values = self._values.get(avp_name(name))
        return values[0] if values else None

    def all(self, name: str) -> list[Value]:
        """All values, newest first."""
        return list(self._values.get(avp_name(name), ()))

    def remove(self, name: str) -> None:
        """Forget all values called ``name``."""
        self._values.pop(avp_name(name), None)

    def text(self, name: str) -> str:
        """The newest value, which must be a string; empty if there is none."""
        value = self.first(name)
        return "" if value is None else _typed(value, str, f"$avp({avp_name(name)})")


class Root:
    """One root of an XAVP: values by the name of the child, newest first."""

    __slots__ = ("_children", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._children: dict[str, list[Value]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._children)

    def add(self, child: str, value: Value) -> None:
        """Put one more value in front of those of ``child``."""
        self._children.setdefault(child, []).insert(0, checked(value))

    def set(self, child: str, value: Value) -> None:
        """Put ``value`` in the place of the newest one of ``child``, or make it the first."""
        value = checked(value)
        self._children.setdefault(child, [value])[0] = value

    def first(self, child: str) -> Value | None:
        """The newest value of ``child``; None if there is none."""
        values = self._children.get(child)
        return values[0] if values else None

    def all(self, child: str) -> list[Value]:
        """All values of ``child``, newest first."""
        return list(self._children.get(child, ()))

    def remove(self, child: str) -> None:
        """Forget all values of ``child``."""
        self._children.pop(child, None)

    def text(self, child: str) -> str:
        """The newest value of ``child``, which must be a string; empty if there is none."""
        value = self.first(child)
        return "" if value is None else _typed(value, str, self._spelled(child))

    def integer(self, child: str) -> int | None:
        """The newest value of ``child``, which must be an integer; None if there is none."""
        value = self.first(child)
        return None if value is None else _typed(value, int, self._spelled(child))

    def newest(self) -> dict[str, Value]:
        """The newest value of each child: what is kept of it in the store."""
        return {child: values[0] for child, values in self._children.items()}

    def _spelled(self, child: str) -> str:
        return f"$xavp({self._name}=>{child})"


class Xavps:
    """The XAVPs of a call: roots by name, newest first."""

    __slots__ = ("_roots",)

    def __init__(self) -> None:
        self._roots: dict[str, list[Root]] = {}

    def add_root(self, name: str, values: Xavp | None = None) -> Root:
        """Put a new root in front of those called ``name``, and ``values`` into it."""
        root = Root(name)
        self._roots.setdefault(name, []).insert(0, root)
        for child, value in (values or {}).items():
            root.add(child, value)
        return root

    def root(self, name: str, index: int = 0) -> Root | None:
        """A root called ``name``, 0 the newest; None if there is none."""
        roots = self._roots.get(name, ())
        return roots[index] if 0 <= index < len(roots) else None

    def roots(self, name: str) -> list[Root]:
        """All roots called ``name``, newest first."""
        return list(self._roots.get(name, ()))

    def newest(self, name: str) -> Root:
        """The newest root called ``name``, made if there is none."""
        return self.root(name) or self.add_root(name)

    def remove(self, name: str) -> None:
        """Forget all roots called ``name``."""
        self._roots.pop(name, None)


def _typed(value: Value, wanted: type[T], spelled: str) -> T:
    if not isinstance(value, wanted):
        noun = "a string" if wanted is str else "an integer"
        raise ScriptError(f"{spelled} has to be {noun}, it is {value!r}")
    return value
