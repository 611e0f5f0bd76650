"""Every error regcluster raises, and how one is told.

RegclusterError
├── SipError                 bytes that are not the SIP they claim to be; carries the answer
│   ├── MalformedMessage     the whole message: start line, framing, a header that must be there
│   └── MalformedHeader      one header value or URI
├── StoreError               the store answered, and the answer is no
│   ├── StoreUnavailable     it could not say so inside the deadline; nothing is known to be saved
│   └── StoreMismatch        it holds another schema or another number of partitions
├── ConfigError              settings that cannot be used; carries every problem found
└── ScriptError              a route script that broke while it ran
    └── UnknownName          it uses a function of Kamailio's that is not here

A decided *no* (423, 403, ...) is a value, not an error: see ``registrar.plan.Refusal``.
"""

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"\[Errno -?\d+\] ")


class RegclusterError(Exception):
    """The root of the tree."""


class SipError(RegclusterError):
    """Bytes that break SIP, and the response they have earned.

    ``reason`` names what is wrong in our own words; it never repeats what the peer sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


class MalformedMessage(SipError):
    """A message that cannot be read as a whole."""


class MalformedHeader(SipError):
    """A header value or URI that breaks its grammar; always a 400."""

    def __init__(self, reason: str) -> None:
        super().__init__(400, reason)


class StoreError(RegclusterError):
    """The store refused a command."""


class StoreUnavailable(StoreError):
    """The store did not answer inside its deadline, or cannot be reached."""


class StoreMismatch(StoreError):
    """The store was set up with a schema or partition count that is not ours."""


class ConfigError(RegclusterError):
    """Settings that cannot be used: ``problems`` holds one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ScriptError(RegclusterError):
    """A route script that broke while it ran."""


class UnknownName(ScriptError, AttributeError):
    """A script uses a function of Kamailio's that is not here; ``hasattr`` says no."""


def told(error: Exception) -> str:
    """What ``error`` says, for people: without the number that the system's own begin with."""
    return _NUMBER.sub("", str(error))
