"""From a verdict or a refusal to the reply (RFC 3261 §10.3 step 8).

Status codes, ``P-Registrar-Error`` texts and header order are Kamailio's. A refusal by the store
lists the bindings as they stand, unchanged, so that a phone sees what it is up against.
"""

from functools import lru_cache

from regcluster.config import RegistrarSettings
from regcluster.registrar.binding import Binding
from regcluster.registrar.plan import Record, Refusal, Verdict
from regcluster.sip.headers import render_date, render_q
from regcluster.sip.reply import Reply

ERROR_HEADER = "P-Registrar-Error"

OUT_OF_ORDER = Refusal(400, "Invalid CSeq number", "Invalid CSeq number")
TOO_MANY = Refusal(503, "Service Unavailable", "Too many registered contacts")

# A record is answered within the second it was read in, again and again.
_date = lru_cache(maxsize=2)(render_date)


def answer(verdict: Verdict, settings: RegistrarSettings) -> Reply:
    """The reply to a REGISTER that reached the store."""
    if verdict.outcome == "out_of_order":
        return refuse(OUT_OF_ORDER, settings, verdict.record)
    if verdict.outcome == "too_many":
        return refuse(TOO_MANY, settings, verdict.record)
    headers = _contact_header(verdict.record)
    headers.append(("Date", _date(verdict.record.now // 1000)))
    return Reply(200, "OK", headers)


def refuse(refusal: Refusal, settings: RegistrarSettings, record: Record | None = None) -> Reply:
    """The reply that says no, with the bindings in ``record`` if there are any."""
    headers = _contact_header(record) if record else []
    headers += refusal.headers
    if refusal.error:
        headers.append((ERROR_HEADER, refusal.error))
    if settings.retry_after and refusal.status // 100 == 5:
        headers.append(("Retry-After", str(settings.retry_after)))
    return Reply(refusal.status, refusal.reason, headers)


def expires_in(binding: Binding, now: int) -> int:
    """Whole seconds left at ``now`` (epoch ms), rounded up: an unexpired binding never shows 0."""
    return -((now - binding.expires_at) // 1000)


def _contact_header(record: Record) -> list[tuple[str, str]]:
    if not record.bindings:
        return []
    return [("Contact", ", ".join([_contact(b, record.now) for b in record.bindings]))]


def _contact(binding: Binding, now: int) -> str:
    q = "" if binding.q < 0 else f";q={render_q(binding.q)}"
    return f"<{binding.uri}>{q};expires={expires_in(binding, now)}{binding.params}"
