"""A phone that writes requests, as the octets it would send.

Header fields are keywords: ``user_agent="x"`` gives the field ``User-Agent: x``, a list gives one
row each, ``None`` leaves a field out. ``from_`` has its underscore because ``from`` is Python's.
"""

from collections.abc import Sequence

Rows = str | int | Sequence[str | int] | None

_SPELLED = {"call_id": "Call-ID", "cseq": "CSeq", "mime_version": "MIME-Version"}


class Phone:
    """One device of the user ``aor``; each request it writes has the next CSeq of one Call-ID."""

    def __init__(
        self,
        aor: str,
        host: str = "192.0.2.10",
        port: int = 5060,
        transport: str = "UDP",
        instance: str = "",
    ) -> None:
        self.aor = aor
        self.address = f"{host}:{port}"
        self.transport = transport.upper()
        self.instance = instance
        """Its instance-id, such as ``urn:uuid:...``; empty: it has none."""
        self.cseq = 0

    @property
    def uri(self) -> str:
        """The URI it is reached at: what it registers."""
        user = self.aor.partition(":")[2].partition("@")[0]
        transport = "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        return f"sip:{user}@{self.address}{transport}"

    @property
    def contact(self) -> str:
        """Its Contact, with the instance-id if it has one."""
        instance = f';+sip.instance="<{self.instance}>"' if self.instance else ""
        return f"<{self.uri}>{instance}"

    def register(self, expires: int | None = 3600, **fields: Rows) -> bytes:
        """A REGISTER of its contact; ``expires=0`` removes it, ``contact=None`` only asks."""
        domain = "sip:" + self.aor.rpartition("@")[2]
        given: dict[str, Rows] = {"to": f"<{self.aor}>", "expires": expires}
        return self.request("REGISTER", domain, **(given | fields))

    def invite(self, uri: str, **fields: Rows) -> bytes:
        """An INVITE to ``uri``, without a body."""
        return self.request("INVITE", uri, **fields)

    def request(self, method: str, uri: str, **fields: Rows) -> bytes:
        """Any request, without a body; what ``fields`` do not say is as a good phone has it."""
        self.cseq += 1
        branch = f"z9hG4bK{self._mark}.{self.cseq}"
        rows: dict[str, Rows] = {
            "via": f"SIP/2.0/{self.transport} {self.address};branch={branch}",
            "max_forwards": 70,
            "from_": f"<{self.aor}>;tag={self._mark}",
            "to": f"<{uri}>",
            "call_id": f"{self._mark}@{self.address.rpartition(':')[0]}",
            "cseq": f"{self.cseq} {method}",
            "contact": self.contact,
        }
        return _written(f"{method} {uri} SIP/2.0", rows | fields)

    @property
    def _mark(self) -> str:
        """What is this phone's alone, in characters that tags and branches may have."""
        return self.address.replace(":", "-").replace("[", "").replace("]", "")


def _written(start_line: str, fields: dict[str, Rows]) -> bytes:
    lines = [start_line]
    for keyword, rows in (fields | {"content_length": 0}).items():
        lines += [f"{_spelled(keyword)}: {row}" for row in _listed(rows)]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def _listed(rows: Rows) -> Sequence[str | int]:
    if rows is None:
        return ()
    return (rows,) if isinstance(rows, str | int) else rows


def _spelled(keyword: str) -> str:
    return _SPELLED.get(keyword) or keyword.strip("_").replace("_", "-").title()
