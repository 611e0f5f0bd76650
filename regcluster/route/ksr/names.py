"""A module of ``KSR``: functions by name, and an answer to who asks for what is not there."""

from collections.abc import Mapping
from typing import Any

from regcluster.errors import UnknownName


class Names:
    """``KSR`` itself, or one of its modules; its members are attributes."""

    def __init__(self, path: str, members: Mapping[str, object]) -> None:
        self._path = path
        self.__dict__.update(members)

    def __getattr__(self, name: str) -> Any:
        """Whatever is no attribute: raises ``UnknownName``, which says what there is."""
        there = ", ".join(sorted(member for member in vars(self) if not member.startswith("_")))
        raise UnknownName(f"there is no {self._path}.{name} here; {self._path} has: {there}")
