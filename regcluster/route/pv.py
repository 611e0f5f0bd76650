"""Names of Kamailio's pseudo-variables: text ↔ what it names.

``$ru``, ``$avp(x)``, ``$hdr(Contact)``, ``$(hdr(Route)[1])``, ``$xavp(root[0]=>child[1])``,
``$(ulc(profile=>addr)[2])``. What a variable holds is the work of ``ksr.variables``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from regcluster.errors import ScriptError

_VARIABLE = re.compile(r"(\w+)(?:\(([^()]*+)\))?+(?:\[(-?\d+)\])?+")

# The old spelling of AVPs has a type in front: $avp(s:name) is $avp(name).
_INNER = re.compile(r"(?:s:)?+([\w.:-]++)(?:\[(\d+)\])?+(?:=>([\w.:-]++)(?:\[(\d+)\])?+)?+")


@dataclass(slots=True, frozen=True)
class Variable:
    """A pseudo-variable by its parts."""

    text: str
    """All of it, as the script wrote it."""
    name: str
    """What stands behind the ``$``."""
    key: str = ""
    """Name of an AVP or header, root of an XAVP, profile of ``$ulc``."""
    at: int = 0
    """Which root of that name, newest first."""
    field: str = ""
    """Child of an XAVP, attribute of ``$ulc``."""
    index: int = 0
    """Which child, header row or contact."""


# A script names a few variables, again and again.
@lru_cache(maxsize=512)
def parse_pv(text: str) -> Variable:
    """Read the name of a pseudo-variable. Raises ``ScriptError`` with what is wrong."""
    body = text[1:]
    is_wrapped = body.startswith("(") and body.endswith(")")
    whole = _VARIABLE.fullmatch(body[1:-1] if is_wrapped else body)
    if text[:1] != "$" or whole is None or (whole[3] and not is_wrapped):
        raise ScriptError(f"{text!r} is no variable; one looks like $ru, $avp(x) or $(hdr(To)[0])")
    name, inner, index = whole.groups()
    if inner is None:
        return Variable(text, name, index=int(index or 0))
    parts = _INNER.fullmatch(inner.strip())
    if parts is None:
        raise ScriptError(f"{text!r} has no name that can be read in its parentheses")
    key, at, field, of_field = parts.groups()
    return Variable(text, name, key, int(at or 0), field or "", int(index or of_field or 0))
