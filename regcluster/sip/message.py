"""SIP messages as values: a start line, header rows in order, a body (RFC 3261 §7).

A row is kept twice: as its value, by lower-case long name, for reading, and as the line it came in
for passing on. Values stay raw text until a reader of ``headers`` is asked for them. Once the
parser has given a message its body it never changes; whoever wants another one makes it.
"""

from dataclasses import dataclass, field
from typing import Final

from regcluster.errors import MalformedHeader
from regcluster.sip.grammar import split_list
from regcluster.sip.headers import CSeq, NameAddr, Via, parse_cseq, parse_name_addr, parse_via
from regcluster.sip.usual import read_usual

METHODS: Final = frozenset(
    {
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS"),
        *("PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
    }
)
"""Methods there is an RFC for; any token may be another one (RFC 3261 §7.1)."""

LONG_NAMES: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""What each compact form stands for (RFC 3261 §7.3.3 and the extensions that claimed a letter)."""


Rows = list[tuple[str, str]]
"""Lower-case long name and value of each header field, in order."""


@dataclass(slots=True)
class Headers:
    """How header rows are read, in requests and responses alike. Names are lower-case and long."""

    by_name: dict[str, str]
    """The first row of each name: its value, folds undone, white space around it dropped."""
    lines: list[str]
    """All rows as received, folds undone: the original spelling of name and value."""
    body: bytes
    _rows: Rows | None = field(init=False, repr=False, compare=False)
    _via: Via | None = field(init=False, repr=False, compare=False)
    _cseq: CSeq | None = field(init=False, repr=False, compare=False)
    _to: NameAddr | None = field(init=False, repr=False, compare=False)

    def __init__(self, headers: Rows | dict[str, str], lines: list[str], body: bytes) -> None:
        if isinstance(headers, dict):
            self.by_name = headers
            self._rows = None
        else:
            # Later pairs overwrite earlier ones, so the first row has to come last.
            self.by_name = dict(reversed(headers))
            self._rows = headers
        self.lines = lines
        self.body = body
        self._via = None
        self._cseq = None
        self._to = None

    @property
    def headers(self) -> Rows:
        """All rows in order, made when they are asked for."""
        if self._rows is None:
            self._rows = list(self.by_name.items())
        return self._rows

    @property
    def is_repetitive(self) -> bool:
        """Whether a name comes twice."""
        return self._rows is not None and len(self._rows) != len(self.by_name)

    def first(self, name: str) -> str | None:
        """The value of the first row called ``name``; None if there is none."""
        return self.by_name.get(name)

    def all(self, name: str) -> list[str]:
        """The values of all rows called ``name``, in order, each as its sender joined it."""
        if self.is_repetitive:
            return [value for key, value in self.headers if key == name]
        value = self.by_name.get(name)
        return [] if value is None else [value]

    def values(self, name: str) -> list[str]:
        """The list elements of all rows called ``name``, in order (RFC 3261 §7.3.1)."""
        return [element for row in self.all(name) for element in split_list(row)]

    def read_usual(self) -> bool:
        """Read To and CSeq, and check From and Call-ID, if all are there and as most have them.

        So is the Via read, if it is as most are. The properties below read whatever is not, or say
        what is wrong with it.
        """
        rows = self.by_name
        try:
            found = read_usual(
                f"{rows['via']}\n{rows['from']}\n{rows['to']}\n{rows['call-id']}\n{rows['cseq']}"
            )
        except KeyError:
            return False
        if found is None:
            return False
        self._via, self._to, self._cseq = found
        return True

    @property
    def via(self) -> Via:
        """The topmost Via, read once. Raises ``MalformedHeader`` if it cannot be read."""
        if self._via is None:
            row = self.first("via")
            if row is None:
                raise MalformedHeader("Missing Via header field")
            self._via = parse_via(split_list(row)[0])
        return self._via

    @property
    def cseq(self) -> CSeq:
        """The CSeq, read once. Raises ``MalformedHeader`` if it cannot be read."""
        if self._cseq is None:
            self._cseq = parse_cseq(self.first("cseq") or "")
        return self._cseq

    @property
    def to(self) -> NameAddr:
        """The To, read once. Raises ``MalformedHeader`` if it cannot be read."""
        if self._to is None:
            self._to = parse_name_addr(self.first("to") or "")
        return self._to


@dataclass(slots=True)
class Request(Headers):
    """A request: ``method`` as received, for methods have case; ``uri`` is the Request-URI."""

    method: str
    uri: str

    def __init__(
        self,
        method: str,
        uri: str,
        headers: Rows | dict[str, str],
        lines: list[str],
        body: bytes,
    ) -> None:
        Headers.__init__(self, headers, lines, body)
        self.method = method
        self.uri = uri


@dataclass(slots=True)
class Response(Headers):
    """A response: a status of three digits and its phrase, which may be empty."""

    status: int
    reason: str

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Rows | dict[str, str],
        lines: list[str],
        body: bytes,
    ) -> None:
        Headers.__init__(self, headers, lines, body)
        self.status = status
        self.reason = reason
