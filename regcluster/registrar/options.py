"""What a route script may say about one save or lookup, beyond the request and the settings.

A script sets AVPs, XAVPs and flags on its call; ``route`` reads them by the names that the settings
give and hands them down in these values. Where nobody said anything the constants at the end serve.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from regcluster.registrar.binding import Xavp
from regcluster.registrar.plan import DEFAULT_TABLE


class SaveFlag(IntFlag):
    """The flags of ``save``, with Kamailio's numbers and names."""

    NONE = 0
    MEM = 0x01
    """Memory only. Accepted and without effect: there is no memory to save to."""
    NORPL = 0x02
    """Send no reply."""
    REPL = 0x04
    """One binding an AOR: the first contact that is bound replaces all others."""
    NOVARIATION = 0x08
    """Grant lifetimes without a random reduction."""
    PREPRPL = 0x10
    """With NORPL: give the headers of the reply to the script's own reply."""


@dataclass(slots=True)
class SaveOptions:
    """One save as a script wants it."""

    table: str = DEFAULT_TABLE
    flags: int = 0
    """``SaveFlag``s as a plain number, whose bits are asked for in a tenth of the time."""
    uri: str = ""
    """Names the AOR in place of To."""
    source: str = ""
    """Host the request came from (``trust_contact_from``)."""
    socket: str = ""
    """``udp:192.0.2.1:5060``: what the request came in on, or should have."""
    connection: str = ""
    """``<node>/<flow token>`` of the stream connection; empty for UDP."""
    received: str = ""
    """What ``received_avp`` holds."""
    cflags: int = 0
    """Branch flags set on the request."""
    xavp: Xavp | None = None
    """What ``xavp_contact`` holds."""
    expires: int | None = None
    """Lifetime of every contact, seconds; 0 removes (``xavp_cfg`` ``expires``)."""
    q: int | None = None
    """Preference of every contact, thousandths (``set_q_override``, ``xavp_cfg`` ``q``)."""
    max_contacts: int | None = None
    """Limit in place of the setting, 0 or less: none (``xavp_cfg`` ``max_contacts``)."""
    contact: str = ""
    """Contact header in place of the request's own."""
    user_agent: str = ""
    """User-Agent in place of the request's own."""


@dataclass(slots=True)
class LookupOptions:
    """One lookup as a script wants it."""

    table: str = DEFAULT_TABLE
    method: str = ""
    """Method of the request (``method_filtering``); empty: any will do."""
    in_dialog: bool = False
    """Whether the request has a To tag, which no method filter keeps from its contact."""
    bflags: int = 0
    """Branch flags of which a contact must have one (``xavp_cfg`` ``rlf_bflags``); 0: none."""


PLAIN_SAVE: Final = SaveOptions()
PLAIN_LOOKUP: Final = LookupOptions()
