"""What the registrar's functions return: Kamailio's numbers, with names.

Above 0 is yes, below is no, as in a Kamailio script: ``if await call.registrar.lookup():`` means
what it says.
"""

from enum import IntEnum


class Code(IntEnum):
    """A number that is true above 0 and false below."""

    def __bool__(self) -> bool:
        return self > 0


class SaveCode(Code):
    """What ``save`` returns; the last contact that had an effect decides."""

    ADDED = 1
    """Also where nothing has changed."""
    REFRESHED = 2
    REMOVED = 3
    """Also ``Contact: *``, whatever it found."""
    QUERIED = 4
    FAILED = -1
    TOO_MANY = -2


class LookupCode(Code):
    """What the lookups return."""

    FOUND = 1
    NOT_FOUND = -1
    NOT_ALLOWED = -2
    """There are contacts, none of which takes the method."""
    FAILED = -3
    """The URI names no AOR, or the store did not answer."""


class UnregisterCode(Code):
    """What ``unregister`` returns."""

    DONE = 1
    BAD_AOR = -1
    FAILED = -2
    NOT_FOUND = -3
