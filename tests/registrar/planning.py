"""REGISTERs and what becomes of them, a line each: shared by the tests of the planner."""

from collections.abc import Callable
from itertools import count

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.options import PLAIN_SAVE, SaveOptions
from regcluster.registrar.plan import Change, Refusal, SavePlan
from regcluster.registrar.save import Planner
from regcluster.sip.message import Request
from regcluster.sip.parser import parse

UUID = "<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"
"""An instance-id."""

DEVICE = f'<sip:a@h>;+sip.instance="{UUID}"'
"""A contact that has it."""


VIA = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"


def register(
    *headers: str, to: str = "<sip:alice@example.com>", call_id: str = "c1", via: str = VIA
) -> Request:
    """A REGISTER with the header lines of interest added to what every request must have."""
    lines = [
        "REGISTER sip:example.com SIP/2.0",
        f"Via: {via}",
        "From: <sip:bob@example.net>;tag=1",
        f"To: {to}",
        f"Call-ID: {call_id}",
        "CSeq: 7 REGISTER",
        *headers,
    ]
    request = parse("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape"))
    assert isinstance(request, Request)
    return request


def numbers() -> Callable[[], str]:
    """A source of ruids 1, 2, 3, ..."""
    source = count(1)
    return lambda: str(next(source))


def plan(
    request: Request,
    registrar: RegistrarSettings | None = None,
    location: LocationSettings | None = None,
    options: SaveOptions = PLAIN_SAVE,
) -> SavePlan | Refusal:
    """What a planner makes of ``request`` that always draws 0 where chance is asked for."""
    planner = Planner(
        registrar or RegistrarSettings(), location or LocationSettings(), numbers(), lambda: 0.0
    )
    return planner.plan(request, options)


def planned(
    request: Request,
    registrar: RegistrarSettings | None = None,
    location: LocationSettings | None = None,
    options: SaveOptions = PLAIN_SAVE,
) -> SavePlan:
    """The same where no refusal is expected."""
    outcome = plan(request, registrar, location, options)
    assert isinstance(outcome, SavePlan)
    return outcome


def changes(*headers: str, registrar: RegistrarSettings | None = None) -> list[Change]:
    """The changes that a REGISTER with these headers makes."""
    return planned(register(*headers), registrar).changes


def refused(error: str) -> Refusal:
    """The 400 that says ``error`` in the status line and in P-Registrar-Error."""
    return Refusal(400, error, error)
