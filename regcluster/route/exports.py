"""What the registrar shows a script of the bindings it met: bindings → XAVPs.

``xavp_rcd`` tells of those a function dealt with, ``lookup_xavp`` of all there are, and what a
script kept with a binding (``xavp_contact``) comes back with it.
"""

from collections.abc import Sequence
from enum import IntFlag

from regcluster.config import RegistrarSettings
from regcluster.location import Profile
from regcluster.registrar.answer import expires_in
from regcluster.registrar.binding import Binding, Xavp
from regcluster.registrar.plan import Record
from regcluster.route.exchange import Exchange
from regcluster.route.values import Root


class RcdField(IntFlag):
    """The fields of ``xavp_rcd``, by the bit of ``xavp_rcd_mask`` that leaves them out."""

    RUID = 1
    CONTACT = 2
    EXPIRES = 4
    RECEIVED = 8
    PATH = 16


def show_record(call: Exchange, registrar: RegistrarSettings, record: Record) -> None:
    """Show all bindings of ``record`` in the XAVP that ``xavp_rcd`` names, if it names one."""
    show_bindings(call, registrar, [(b, expires_in(b, record.now)) for b in record.bindings])


def show_bindings(
    call: Exchange, registrar: RegistrarSettings, bindings: Sequence[tuple[Binding, int]]
) -> None:
    """Show bindings, each with the seconds it has left, like ``show_record``.

    All in one root, in which the last one's values are first, as in Kamailio; or one root each
    (``rcd_shape``), the first one's first.
    """
    name, mask = registrar.xavp_rcd, registrar.xavp_rcd_mask
    if not name:
        return
    if registrar.rcd_shape == "roots":
        for binding, seconds in reversed(bindings):
            _show(call.xavp.add_root(name), binding, seconds, mask)
        return
    for binding, seconds in bindings:
        _show(call.xavp.newest(name), binding, seconds, mask)


def show_kept(call: Exchange, name: str, kept: Xavp | None) -> None:
    """Give back what a script has kept with a binding, as the newest root called ``name``."""
    if name and kept is not None:
        call.xavp.add_root(name, kept)


def show_profile(call: Exchange, profile: Profile, record_name: str, contact_name: str) -> None:
    """``lookup_xavp``: the AOR and how many bindings it has, and a root for each of them."""
    bindings = profile.record.bindings
    call.xavp.add_root(record_name, {"aor": profile.aor, "count": len(bindings)})
    # What is added last stands first, and the first binding shall.
    for binding in reversed(bindings):
        root = call.xavp.add_root(contact_name, {"uri": binding.uri})
        if binding.socket and call.ourselves.own_socket(binding.socket):
            root.add("socket", binding.socket)
        if binding.received:
            root.add("dsturi", binding.received)


def _show(root: Root, binding: Binding, seconds: int, mask: int) -> None:
    if not mask & RcdField.RUID:
        root.add("ruid", binding.ruid)
    if not mask & RcdField.CONTACT:
        root.add("contact", binding.uri)
    if not mask & RcdField.EXPIRES:
        root.add("expires", seconds)
    if binding.received and not mask & RcdField.RECEIVED:
        root.add("received", binding.received)
    if binding.path and not mask & RcdField.PATH:
        root.add("path", binding.path)
