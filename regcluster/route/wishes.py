"""What the values a script has set on a call mean to the registrar: AVPs, XAVPs, flags → options.

They are read by the names that the settings give (``received_avp``, ``xavp_cfg``,
``xavp_contact``, ``sock_flag``). A value of the wrong type raises ``ScriptError``: Kamailio passes
over it, and nobody finds out why nothing happens. A plain REGISTER costs one cached look-up.
"""

from functools import lru_cache
from typing import Final

from regcluster.config import RegistrarSettings
from regcluster.errors import ScriptError
from regcluster.location import Location
from regcluster.registrar.binding import Xavp
from regcluster.registrar.match import Match
from regcluster.registrar.options import PLAIN_LOOKUP, LookupOptions, SaveOptions
from regcluster.registrar.plan import DEFAULT_TABLE
from regcluster.registrar.select import BY_FLAGS
from regcluster.route.exchange import Exchange
from regcluster.route.values import Root
from regcluster.sip.headers import MAX_UINT32
from regcluster.sip.hop import Hop

MAX_KEPT: Final = 4096
"""Characters that a script may keep with a binding, names and values together. It may have them
from the phone, and every save and lookup of the user reads those of all bindings."""


def save_options(call: Exchange, location: Location, table: str, flags: int) -> SaveOptions:
    """How the call wants its REGISTER saved. It may be shared: make a copy to change it."""
    source, registrar = call.source, location.registrar
    if not flags and not (
        call.has_values or source.token or registrar.sock_mode or registrar.trust_contact_from
    ):
        local = source.local
        return _plain(table, local.transport, local.host, local.port)
    options = SaveOptions(
        table=table,
        flags=flags,
        source=source.peer.host,
        socket=_socket(call, registrar),
        connection=f"{call.ourselves.node}/{source.token}" if source.token else "",
        cflags=call.bflags,
    )
    if call.has_values:
        _read_values(call, location, options)
    return options


def lookup_options(call: Exchange, registrar: RegistrarSettings, table: str) -> LookupOptions:
    """Which contacts the call can use."""
    bflags = 0
    if registrar.lookup_filter_mode & BY_FLAGS and (cfg := _cfg(call, registrar)):
        bflags = cfg.integer("rlf_bflags") or 0
    if not (bflags or registrar.method_filtering) and table == DEFAULT_TABLE:
        return PLAIN_LOOKUP
    # What goes with an INVITE follows it, whatever the phone has said (RFC 3261 §16.11).
    method = "INVITE" if call.method in ("ACK", "CANCEL") else call.method
    return LookupOptions(table, method, _is_in_dialog(call), bflags)


def match_wanted(call: Exchange, registrar: RegistrarSettings, option: int) -> Match:
    """What ``registered`` shall look for (``match_callid`` and its kin of ``xavp_cfg``)."""
    cfg = _cfg(call, registrar) if option else None
    if cfg is None:
        return Match()
    texts = [cfg.text(name) for name in ("match_callid", "match_received", "match_contact")]
    return Match(*texts).limited_to(option)


def socket_text(hop: Hop) -> str:
    """A socket as Kamailio writes it: ``udp:192.0.2.1:5060``."""
    return f"{hop.transport.lower()}:{hop.render()}"


# There is one for each address of ours, and phones that speak UDP come to it again and again. Not
# kept by the hop, whose hash is Python's work.
@lru_cache(maxsize=256)
def _plain(table: str, transport: str, host: str, port: int) -> SaveOptions:
    return SaveOptions(table=table, socket=socket_text(Hop(transport, host, port)))


def _socket(call: Exchange, registrar: RegistrarSettings) -> str:
    """The socket to keep with the bindings: one of ours that the request names, else its own."""
    if registrar.sock_flag >= 0 and call.isflagset(registrar.sock_flag):
        if registrar.sock_hdr_name:
            named = call.request.first(registrar.sock_hdr_name.lower()) or ""
        else:
            cfg = _cfg(call, registrar)
            named = cfg.text("socket") if cfg else ""
        if named and (own := call.ourselves.own_socket(named)):
            return socket_text(own)
    local = call.source.local
    return socket_text(call.ourselves.advertised(local) if registrar.sock_mode else local)


def _read_values(call: Exchange, location: Location, options: SaveOptions) -> None:
    registrar, kept = location.registrar, location.settings.xavp_contact
    if registrar.received_avp:
        options.received = call.avp.text(registrar.received_avp)
    if kept and (root := call.xavp.root(kept)):
        options.xavp = _kept(root)
    if cfg := _cfg(call, registrar):
        expires = cfg.integer("expires")
        if expires is not None and expires >= 0:
            options.expires = min(expires, MAX_UINT32)
        options.q = cfg.integer("q")
        options.max_contacts = cfg.integer("max_contacts")
        options.connection = _connection(cfg) or options.connection


def _kept(root: Root) -> Xavp:
    """What is kept of ``root`` with each binding of the request."""
    kept = root.newest()
    length = sum(len(name) + len(str(value)) for name, value in kept.items())
    if length > MAX_KEPT:
        raise ScriptError(f"{length} characters are too many to keep: {MAX_KEPT} at most")
    return kept


def _connection(cfg: Root) -> str:
    """What ``tcpconn_id`` names: our own ``<node>/<token>``, or the number of somebody else's."""
    value = cfg.first("tcpconn_id")
    if isinstance(value, int):
        return str(value) if value > 0 else ""
    return value or ""


def _cfg(call: Exchange, registrar: RegistrarSettings) -> Root | None:
    """The XAVP in which the script configures this request; None if it does not."""
    name = registrar.xavp_cfg
    return call.xavp.root(name) if name and call.has_values else None


def _is_in_dialog(call: Exchange) -> bool:
    return "tag" in call.request.to.params
