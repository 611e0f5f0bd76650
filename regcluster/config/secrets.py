"""Keeping passwords out of whatever is shown: messages, logs, ``check --print``.

A URL is made safe by what it looks like, not by which setting it came from, because a password
typed into the wrong place is printed as quickly as one in the right place.
"""

import re

HIDDEN = "***"

# Misspelled, such as "passwort", it is a password still.
_QUERY = re.compile(r"([?&][a-z_]*pass[a-z_]*=)[^&#\s]*", re.IGNORECASE)


def secret_free(url: str) -> str:
    """``url`` with any password in it replaced by ``***``; other text comes back as it is.

    Everything up to the last ``@`` counts as user and password: someone who forgot to escape a
    ``/`` or ``@`` in a password still has it hidden.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    userinfo, at, place = rest.rpartition("@")
    user, colon, _ = userinfo.partition(":")
    if at and colon:
        rest = f"{user}:{HIDDEN}@{place}"
    rest = _QUERY.sub(rf"\g<1>{HIDDEN}", rest)
    return f"{scheme}://{rest}"
