"""From branches to a 302 (RFC 3261 §8.3, §21.3.3)."""

from collections.abc import Sequence

from regcluster.registrar.branch import Branch
from regcluster.sip.headers import render_q
from regcluster.sip.reply import REASONS, Reply
from regcluster.sip.uri import Uri, equivalent, parse_uri


def redirect(branches: Sequence[Branch], uri: Uri) -> Reply | None:
    """The 302 that offers ``branches``, in their order, to a request for ``uri``.

    ``uri`` itself is never offered: the caller would only come back. The contact alone is: a Path
    or the source of a NAT is a way from here, not one from the caller. None if nothing is left.
    Raises ``MalformedHeader`` for what is no URI.
    """
    offered = [branch for branch in branches if not equivalent(parse_uri(branch.uri), uri)]
    if not offered:
        return None
    return Reply(302, REASONS[302], [("Contact", ", ".join([_contact(b) for b in offered]))])


def _contact(branch: Branch) -> str:
    q = "" if branch.q < 0 else f";q={render_q(branch.q)}"
    # One that is over (use_expired_contacts) has no time left to tell, and is good for one try.
    left = max(branch.expires_in or 0, 0)
    expires = f";expires={left}" if left else ""
    return f"<{branch.uri}>{q}{expires}"
