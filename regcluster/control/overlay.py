"""The settings of a running node: those that were read, and what an operator has laid over them.

What is laid over stays when the files are read again, and goes when the node ends: nothing of it
is written anywhere.
"""

from collections.abc import Iterable, Mapping

import msgspec

from regcluster.config import Settings
from regcluster.config.fields import FIELDS
from regcluster.config.names import unknown_key
from regcluster.config.reader import BY_HAND, Loaded, override
from regcluster.config.reload import value_of
from regcluster.errors import ConfigError

Change = str | None
"""The text of a value; None: none of the operator's any more."""


class Overridden(msgspec.Struct, frozen=True):
    """One value by hand, and what would hold without it."""

    value: int | float | str | list[str]
    otherwise: int | float | str | list[str]
    origin: str
    """Where ``otherwise`` comes from."""


class Overlay:
    """Begins with what was read, and nothing over it."""

    def __init__(self, loaded: Loaded) -> None:
        self._read = loaded
        self._by_hand: dict[str, str] = {}
        self._loaded = loaded

    @property
    def settings(self) -> Settings:
        """Both together."""
        return self._loaded.settings

    @property
    def loaded(self) -> Loaded:
        """Both together, with where each value comes from."""
        return self._loaded

    @property
    def by_hand(self) -> Mapping[str, str]:
        """What the operator has laid over, as text."""
        return self._by_hand

    def take_up(self, loaded: Loaded) -> None:
        """Put what was read anew beneath; ``ConfigError`` if they cannot go together."""
        self._loaded = override(loaded, self._by_hand)
        self._read = loaded

    def change(self, changes: Mapping[str, Change]) -> None:
        """Lay values by key over, or take them away; ``ConfigError``: nothing has changed."""
        _refuse_unknown(key for key in changes if changes[key] is None)
        by_hand: dict[str, Change] = {**self._by_hand, **changes}
        kept = {key: text for key, text in by_hand.items() if text is not None}
        self._loaded = override(self._read, kept)
        self._by_hand = kept

    def restore(self, by_hand: Mapping[str, str]) -> None:
        """Have these lie over what was read, and nothing else; ``ConfigError`` as above."""
        self.change({**dict.fromkeys(self._by_hand), **by_hand})

    def overridden(self) -> dict[str, Overridden]:
        """What lies over what, by key, in the order it was laid."""
        return {key: self._row(key) for key in self._by_hand}

    def _row(self, key: str) -> Overridden:
        row = {
            "value": value_of(self._loaded.settings, FIELDS[key]),
            "otherwise": value_of(self._read.settings, FIELDS[key]),
            "origin": self._read.origins[key],
        }
        return msgspec.convert(row, Overridden)


def _refuse_unknown(keys: Iterable[str]) -> None:
    problems = [f"{BY_HAND}: {unknown_key(*_halves(key))}" for key in keys if key not in FIELDS]
    if problems:
        raise ConfigError(problems)


def _halves(key: str) -> tuple[str, str]:
    section, _, name = key.partition(".")
    return section, name
