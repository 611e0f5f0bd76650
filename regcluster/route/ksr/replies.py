"""``KSR.sl``, ``KSR.tm`` and ``KSR.tmx``: how a request is answered or sent on.

There are no transactions. ``t_relay`` forwards statelessly, along the best branch alone, and what
asks about transactions says that there is none.
"""

from regcluster.proxy.nexthop import next_hop
from regcluster.proxy.redirect import redirect
from regcluster.registrar.branch import Branch
from regcluster.route.call import Call, Forward
from regcluster.route.sync import current_call
from regcluster.sip.uri import SipUri, parse_uri


def send_reply(status: int, reason: str) -> int:
    """Answer; a 3xx tells where else to ask: the branches."""
    call = current_call()
    headers = []
    if 300 <= status < 400:
        offer = redirect(call.branches, parse_uri(call.request.uri))
        headers = offer.headers if offer else []
    call.reply(status, reason, headers)
    return 1


def sl_reply_error() -> int:
    """Answer 500, unless the request has its answer already."""
    call = current_call()
    if not is_settled(call):
        call.reply(500)
    return 1


def t_relay() -> int:
    """Send the request on along the first branch that SIP can reach; lookup puts the best first."""
    call = current_call()
    is_secure = call.request.uri.lower().startswith("sips:")
    for branch in call.branches:
        if _is_reachable(branch, is_secure):
            call.forward(branch)
            return 1
    return -1


def t_newtran() -> int:
    """Accept that a transaction begins, which changes nothing."""
    return 1


def t_check_trans() -> int:
    """Say that the request belongs to no transaction."""
    return -1


def is_settled(call: Call) -> bool:
    """Whether the request has been sent on, or has a final answer."""
    return any(isinstance(effect, Forward) or effect.status >= 200 for effect in call.effects)


def _is_reachable(branch: Branch, is_secure: bool) -> bool:
    """Whether SIP leads there: securely, if that was asked for (RFC 5630 §5.3)."""
    if is_secure and not branch.uri.lower().startswith("sips:"):
        return False
    uri = parse_uri(branch.next_hop or branch.uri)
    return bool(branch.connection) or (isinstance(uri, SipUri) and next_hop(uri) is not None)


SL: dict[str, object] = {
    "send_reply": send_reply,
    "sl_reply_error": sl_reply_error,
    "sl_send_reply": send_reply,
}
TM: dict[str, object] = {
    "t_check_trans": t_check_trans,
    "t_newtran": t_newtran,
    "t_relay": t_relay,
    "t_reply": send_reply,
}
TMX: dict[str, object] = {"t_precheck_trans": t_check_trans}
