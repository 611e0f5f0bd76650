"""How long a binding lives: Kamailio's six lifetime parameters, met in one computation.

``default_expires``, ``default_expires_range``, ``expires_range``, ``min_expires``,
``min_expires_mode`` and ``max_expires``, in the order Kamailio applies them. Randomness comes in
as an argument, so that the same call always grants the same lifetime.
"""

from collections.abc import Callable
from typing import Final

from regcluster.config import RegistrarSettings
from regcluster.registrar.plan import Refusal
from regcluster.sip.headers import MAX_UINT32

HOUR: Final = 3600

Spread = Callable[[], float]
"""Draws a number in [0, 1)."""


def grant(asked: int | None, settings: RegistrarSettings, spread: Spread | None) -> int | Refusal:
    """Grant a lifetime in seconds, or refuse one too brief (RFC 3261 §10.3 step 7).

    ``asked`` is None when the request named no readable lifetime; 0 is a removal and is granted
    as it is. Without ``spread`` nothing is taken off.
    """
    seconds = settings.default_expires if asked is None else asked
    percent = settings.default_expires_range if asked is None else settings.expires_range
    if seconds == 0:
        return 0
    floor = settings.min_expires
    if seconds < floor and settings.min_expires_mode:
        if seconds < HOUR:
            return too_brief(floor)
        # A wish of an hour or more may be neither refused nor lengthened.
        floor = 0
    seconds = max(seconds, floor)
    if percent and spread is not None:
        # At least 1: whatever share is taken off, a wish to be bound is no removal.
        seconds = max(_shorten(seconds, percent, spread), floor, 1)
    return min(seconds, settings.max_expires or MAX_UINT32)


def too_brief(least: int) -> Refusal:
    """The 423 that tells the shortest lifetime granted."""
    return Refusal(423, "Interval Too Brief", "Interval too brief", [("Min-Expires", str(least))])


def _shorten(seconds: int, percent: int, spread: Spread) -> int:
    """Take up to ``percent`` off, so that phones that registered together drift apart."""
    share = seconds * percent / 100
    return int(seconds - share + spread() * share)
