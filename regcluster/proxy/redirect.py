"""From targets to a 302 (RFC 3261 §8.3, §21.3.3)."""

from collections.abc import Sequence

from regcluster.registrar.select import Target
from regcluster.sip.headers import render_q
from regcluster.sip.reply import REASONS, Reply
from regcluster.sip.uri import Uri, equivalent, parse_uri


def redirect(targets: Sequence[Target], uri: Uri) -> Reply | None:
    """The 302 that offers ``targets``, best first, to a request for ``uri``.

    ``uri`` itself is never offered: the caller would only come back. None if nothing is left.
    """
    offered = [target for target in targets if not equivalent(parse_uri(target.uri), uri)]
    if not offered:
        return None
    return Reply(302, REASONS[302], [("Contact", ", ".join([_contact(t) for t in offered]))])


def _contact(target: Target) -> str:
    q = "" if target.q < 0 else f";q={render_q(target.q)}"
    return f"<{target.uri}>{q};expires={target.expires_in}"
