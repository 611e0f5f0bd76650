"""From a verdict or a refusal to the reply (RFC 3261 §10.3 step 8).

Status codes, ``P-Registrar-Error`` texts and header order are Kamailio's. A refusal by the store
lists the bindings as they stand, unchanged, so that a phone sees what it is up against. Whatever a
phone did not ask for costs one look at an attribute.
"""

from functools import lru_cache
from typing import Final

from regcluster.config import RegistrarSettings
from regcluster.registrar.binding import Binding
from regcluster.registrar.gruu import Mint, public_gruu, temporary_gruu
from regcluster.registrar.outbound import REQUIRED
from regcluster.registrar.plan import Record, Refusal, SavePlan, Terms, Verdict
from regcluster.sip.grammar import quote
from regcluster.sip.headers import render_date, render_q
from regcluster.sip.reply import Reply

ERROR_HEADER: Final = "P-Registrar-Error"

OUT_OF_ORDER: Final = Refusal(400, "Invalid CSeq number", "Invalid CSeq number")
TOO_MANY: Final = Refusal(503, "Service Unavailable", "Too many registered contacts")

_SUPPORTED: Final = ("Supported", "outbound")
_REQUIRED: Final = ("Require", "outbound")

# A record is answered within the second it was read in, again and again.
_date = lru_cache(maxsize=2)(render_date)


def answer(
    verdict: Verdict, plan: SavePlan, settings: RegistrarSettings, mint: Mint | None = None
) -> Reply:
    """The reply to a REGISTER that reached the store, with the bindings in the order of the record.

    ``mint`` makes the temporary GRUUs of those whose phone asked for them; without it they get the
    public one alone.
    """
    headers = _contact_header(verdict.record, plan, settings, mint)
    if verdict.outcome == "out_of_order":
        return _refusal(OUT_OF_ORDER, settings, headers)
    if verdict.outcome == "too_many":
        return _refusal(TOO_MANY, settings, headers)
    terms = plan.terms
    if terms.path:
        headers.append(("Path", terms.path))
    if settings.outbound_mode:
        headers += _outbound_headers(terms, settings)
    headers.append(("Date", _date(verdict.record.now // 1000)))
    return Reply(200, "OK", headers)


def refuse(refusal: Refusal, settings: RegistrarSettings) -> Reply:
    """The reply that says no to a REGISTER before it has reached the store."""
    return _refusal(refusal, settings, [])


def expires_in(binding: Binding, now: int) -> int:
    """Whole seconds left at ``now`` (epoch ms), rounded up: an unexpired binding never shows 0."""
    return -((now - binding.expires_at) // 1000)


def _refusal(
    refusal: Refusal, settings: RegistrarSettings, headers: list[tuple[str, str]]
) -> Reply:
    headers += refusal.headers
    if refusal.error:
        headers.append((ERROR_HEADER, refusal.error))
    if settings.retry_after and refusal.status // 100 == 5:
        headers.append(("Retry-After", str(settings.retry_after)))
    return Reply(refusal.status, refusal.reason, headers)


def _outbound_headers(terms: Terms, settings: RegistrarSettings) -> list[tuple[str, str]]:
    """What ``outbound_mode`` makes of a 200 (RFC 5626 §6)."""
    is_required = settings.outbound_mode == REQUIRED
    if not (is_required or terms.is_outbound):
        return [_SUPPORTED]
    headers = [_REQUIRED, _SUPPORTED] if is_required else [_SUPPORTED, _REQUIRED]
    if settings.flow_timer:
        headers.append(("Flow-Timer", str(settings.flow_timer)))
    return headers


def _contact_header(
    record: Record, plan: SavePlan, settings: RegistrarSettings, mint: Mint | None
) -> list[tuple[str, str]]:
    if not record.bindings:
        return []
    now = record.now
    contacts = []
    for binding in record.bindings:
        q = "" if binding.q < 0 else f";q={render_q(binding.q)}"
        more = ""
        if binding.received and settings.received_param:
            more = f";{settings.received_param}={quote(binding.received)}"
        if binding.instance:
            more += _instance_params(binding, plan, mint)
        contacts.append(
            f"<{binding.uri}>{q};expires={expires_in(binding, now)}{more}{binding.params}"
        )
    return [("Contact", ", ".join(contacts))]


def _instance_params(binding: Binding, plan: SavePlan, mint: Mint | None) -> str:
    """What is said of a contact that has an instance: its GRUUs, if asked for, and its flow."""
    params = ""
    host, scheme = plan.terms.gruu_host, plan.terms.gruu_scheme
    if host:
        params = f";pub-gruu={quote(public_gruu(plan.aor, host, binding.instance, scheme))}"
        # No user part as long as the store's secret is not known.
        user = mint(plan.aor, binding) if mint else ""
        if user:
            params += f";temp-gruu={quote(temporary_gruu(user, host, scheme))}"
    params += f";+sip.instance={quote(binding.instance)}"
    return f"{params};reg-id={binding.reg_id}" if binding.reg_id else params
