"""The headers that every message has, as nearly all messages have them, read in one go.

A match costs as much as what it matches, so the five have one between them. Whatever it lets pass
is read to the same values by ``headers``, which is also asked about all that it does not.
"""

import re
from typing import Any, Final

from regcluster.sip.grammar import LWS, Params
from regcluster.sip.headers import MAX_UINT32, CSeq, NameAddr, Via
from regcluster.sip.uri import IPV4, MAX_PORT, USUAL_URI

# A line each: From and To with a tag at most, Via with a branch and maybe rport, or as it comes.
# Classes that say what may come take half the time of [^...], which therefore only goes on from
# where plain ASCII ends.
_NAME: Final = r'(?:"[ !#-\[\]-~]*+[^"\\]*+" ?+|[ !#-+\--9=?-~]*+[^:;,<>"]*+)'
_URI: Final = "[!#-;=?-~]++"
_VALUE: Final = r"[!#-+\--:=?-~]++"
_VIA: Final = (
    rf"SIP/2\.0/([A-Z]++) ({IPV4})(?::([0-9]{{1,5}}+)|);(rport;|)branch=({_VALUE})(;rport|)"
)
_FIVE: Final = re.compile(
    rf"(?:{_VIA}|[^\n]*+)\n"
    rf"{_NAME}<{_URI}>(?:;tag={_VALUE}|)\n"
    rf"({_NAME})<({USUAL_URI}|{_URI})>(?:;tag=({_VALUE})|)\n"
    r"[!-~]++\n"
    r"([0-9]{1,10}+) ([A-Z]++)"
)


def read_usual(five: str) -> tuple[Via | None, NameAddr, CSeq] | None:
    """Via, To and CSeq out of ``five``: Via, From, To, Call-ID and CSeq, joined by line ends.

    One match reads and checks them all. A Via that is not as usual comes back as None; if any of
    the others is not, all of it is None, and the readers in ``headers`` are to be asked.
    """
    usual = _FIVE.fullmatch(five)
    if usual is None:
        return None
    found: tuple[Any, ...] = usual.groups()
    number = int(found[-2])
    if number > MAX_UINT32:
        return None
    transport, host, port, early, branch, late = found[:6]
    via = None
    at = int(port) if port else None
    if branch and (at is None or 0 < at <= MAX_PORT) and not (early and late):
        params: Params = {"rport": None, "branch": branch} if early else {"branch": branch}
        if late:
            params["rport"] = None
        via = Via(transport, host, at, params)
    to = found[6:-2]
    display, uri, tag = to[0], to[1], to[-1]
    address = NameAddr(display.rstrip(LWS), uri, {"tag": tag} if tag else {}, to)
    return via, address, CSeq(number, found[-1])
