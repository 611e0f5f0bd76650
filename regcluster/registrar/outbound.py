"""Outbound, the registrar's side: who must support it, and whose ``reg-id`` counts (RFC 5626 §6).

``outbound_mode`` says whether we do outbound at all, ``regid_mode`` what a proxy on the way has to
do with it. A proxy that keeps flows marks its Path value with ``ob``.
"""

from collections.abc import Sequence
from typing import Final

from regcluster.config import RegistrarSettings
from regcluster.registrar.extensions import OUTBOUND, Extensions
from regcluster.registrar.path import short_uris
from regcluster.registrar.plan import Refusal
from regcluster.sip.headers import Contact
from regcluster.sip.message import Request
from regcluster.sip.uri import SipUri

REQUIRED: Final = 2
"""The ``outbound_mode`` that takes nobody without outbound."""


def refuse_unsupporting(extensions: Extensions, settings: RegistrarSettings) -> Refusal | None:
    """The 421 to a phone that does no outbound where all have to.

    Without a Supported header Require says so too, and ``missing_supported`` decides about those
    who have neither.
    """
    if settings.outbound_mode != REQUIRED or extensions.supports(OUTBOUND):
        return None
    if extensions.supported is None and (
        settings.missing_supported == "accept" or OUTBOUND in extensions.required
    ):
        return None
    return Refusal(
        421,
        "Extension Required",
        "No support for Outbound indicated",
        [("Require", OUTBOUND), ("Supported", OUTBOUND)],
    )


def honours_reg_id(
    request: Request,
    contacts: Sequence[Contact],
    extensions: Extensions,
    settings: RegistrarSettings,
) -> bool | Refusal:
    """Whether ``reg-id`` of these contacts counts, or the 439 to one that came by the wrong proxy.

    It does, but behind a proxy that keeps no flows. Raises ``MalformedHeader`` for a Path that
    cannot be read.
    """
    if not (settings.outbound_mode and contacts) or len(request.values("via")) < 2:
        return True
    if _keeps_flow(request) or settings.regid_mode:
        return True
    if extensions.supports(OUTBOUND) and "reg-id" in contacts[0].params:
        error = "No support for Outbound on edge proxy"
        return Refusal(439, "First Hop Lacks Outbound Support", error)
    return False


def _keeps_flow(request: Request) -> bool:
    """Whether a proxy on the way has said ``ob``.

    Any will do: the one next to the phone has the last value (RFC 5626 §6), Kamailio looks at the
    first, and nobody else has a reason to say so.
    """
    rows = request.all("path")
    found = short_uris(",".join(rows)) if rows else []
    return any(isinstance(uri, SipUri) and "ob" in uri.params for uri in found)
