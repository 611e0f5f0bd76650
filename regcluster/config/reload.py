"""Which settings a running node can take up on SIGHUP, and which need it to be restarted.

What a worker reads anew with each request can change; what made its sockets, store links and
processes cannot.
"""

from msgspec import structs

from regcluster.config.fields import FIELDS, Field
from regcluster.config.settings import Settings

CHANGEABLE_SECTIONS = frozenset({"registrar", "location", "routing", "limits"})
CHANGEABLE_KEYS = frozenset({"log.level"})


def is_changeable(field: Field) -> bool:
    """Whether SIGHUP is enough for a new value of ``field``."""
    return field.section in CHANGEABLE_SECTIONS or field.key in CHANGEABLE_KEYS


def changed(old: Settings, new: Settings) -> tuple[list[str], list[str]]:
    """The keys whose values differ: those that can change now, those that need a restart."""
    differing = [f for f in FIELDS.values() if value_of(old, f) != value_of(new, f)]
    return (
        [field.key for field in differing if is_changeable(field)],
        [field.key for field in differing if not is_changeable(field)],
    )


def value_of(settings: Settings, field: Field) -> object:
    """The value ``settings`` holds for ``field``."""
    value: object = getattr(getattr(settings, field.section), field.name)
    return value


def merged(old: Settings, new: Settings) -> Settings:
    """``old`` with those values of ``new`` that can change now."""
    sections = {name: getattr(new, name) for name in CHANGEABLE_SECTIONS}
    level = structs.replace(old.log, level=new.log.level)
    return structs.replace(old, **sections, log=level)
