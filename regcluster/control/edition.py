"""Which of the two builds of the package this is."""

from importlib.util import find_spec
from typing import Literal


def edition() -> Literal["compiled", "interpreted"]:
    """Whether what every request passes through is compiled, which halves its CPU time."""
    spec = find_spec("regcluster.sip.parser")
    is_source = spec is None or not spec.origin or spec.origin.endswith(".py")
    return "interpreted" if is_source else "compiled"
