"""Option tags: what a REGISTER requires of us, and what its phone supports (RFC 3261 §19.2)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from regcluster.config import RegistrarSettings
from regcluster.registrar.plan import Refusal
from regcluster.sip.grammar import parse_tags
from regcluster.sip.message import Request

GRUU: Final = "gruu"
OUTBOUND: Final = "outbound"
PATH: Final = "path"

MAX_USUAL: Final = 512
"""Longest row of Supported worth remembering: the tags of 60,000 octets take a megabyte, and a
stranger could have us remember hundreds of such rows."""


@dataclass(slots=True, frozen=True)
class Extensions:
    """The option tags of one request, in lower case."""

    required: tuple[str, ...] = ()
    supported: frozenset[str] | None = None
    """None: there is no Supported header."""

    def supports(self, tag: str) -> bool:
        """Whether Supported lists ``tag``."""
        return self.supported is not None and tag in self.supported


NO_EXTENSIONS: Final = Extensions()
"""Those of a request that speaks of none."""


def read_extensions(request: Request) -> Extensions:
    """What the rows of Require and Supported say. Raises ``MalformedHeader`` for the former."""
    names = request.by_name
    if "require" not in names and "supported" not in names:
        return NO_EXTENSIONS
    required = tuple(parse_tags(request.all("require")))
    rows = request.all("supported")
    return Extensions(required, _supported(",".join(rows)) if rows else None)


def refuse_required(required: tuple[str, ...], settings: RegistrarSettings) -> Refusal | None:
    """The 420 that names the tags required of us that we do not have (RFC 3261 §8.2.2.3)."""
    unknown = [tag for tag in required if not _is_known(tag, settings)]
    if settings.unknown_require == "ignore":
        # The one tag that Kamailio refuses as well, where it is told not to speak outbound.
        unknown = [tag for tag in unknown if tag == OUTBOUND]
    if not unknown:
        return None
    error = "No support for Outbound on server" if OUTBOUND in unknown else ""
    return Refusal(420, "Bad Extension", error, [("Unsupported", ", ".join(unknown))])


def _is_known(tag: str, settings: RegistrarSettings) -> bool:
    switches = {
        PATH: settings.use_path,
        GRUU: settings.gruu_enabled,
        OUTBOUND: settings.outbound_mode,
    }
    return bool(switches.get(tag))


def _supported(text: str) -> frozenset[str]:
    return _usual(text) if len(text) <= MAX_USUAL else _tags(text)


def _tags(text: str) -> frozenset[str]:
    # Blanks for commas and stray commas are overlooked, as in Kamailio: a list that only offers is
    # no reason to refuse a phone.
    return frozenset(text.lower().replace(",", " ").split())


# All phones of one kind send the same row.
_usual = lru_cache(maxsize=256)(_tags)
