"""What settings there are: every field of every section, found in the settings classes.

The one list that the reader, the reference and ``regcluster check --print`` walk, so that a field
added to a class is read, checked, shown and documented without another line anywhere.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta, structs

from regcluster.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: where it stands, what it may be, what it is when nobody says otherwise."""

    section: str
    name: str
    annotation: Any
    default: object

    @property
    def key(self) -> str:
        """The name people write: ``section.name``."""
        return f"{self.section}.{self.name}"

    @property
    def kind(self) -> Any:
        """The bare type, without its limits."""
        return get_args(self.annotation)[0] if self._is_annotated else self.annotation

    @property
    def limits(self) -> Meta:
        """The limits on the value; empty ones when there are none."""
        return get_args(self.annotation)[1] if self._is_annotated else Meta()

    @property
    def is_list(self) -> bool:
        """Whether the value is a list of texts."""
        return get_origin(self.kind) is list

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it may be, in the order they were declared; empty when it is not a choice."""
        return get_args(self.kind) if get_origin(self.kind) is Literal else ()

    @property
    def _is_annotated(self) -> bool:
        return get_origin(self.annotation) is Annotated


def _collect() -> dict[str, Field]:
    found = {}
    defaults = Settings()
    for section, kind in get_type_hints(Settings).items():
        values = structs.asdict(getattr(defaults, section))
        for name, annotation in get_type_hints(kind, include_extras=True).items():
            field = Field(section, name, annotation, values[name])
            found[field.key] = field
    return found


FIELDS: dict[str, Field] = _collect()
"""Every setting by its key, in the order of the classes."""

SECTIONS: tuple[str, ...] = Settings.__struct_fields__
"""The names of the sections, in order."""


def fields_in(section: str) -> list[Field]:
    """The settings of one section, in the order of its class."""
    return [field for field in FIELDS.values() if field.section == section]
