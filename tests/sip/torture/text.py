"""How the torture messages are written: a head as text, a body as octets.

Each message is our own; what its section of RFC 4475 or RFC 5118 is about stands in it to the
octet, and in words below it.
"""

SDP = (
    b"v=0\r\n"
    b"o=bob 2890844526 2890844526 IN IP4 192.0.2.5\r\n"
    b"s=-\r\n"
    b"c=IN IP4 192.0.2.5\r\n"
    b"t=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
)
"""An offer, for the messages whose body does not matter."""


def spell(head: str, body: bytes = b"") -> bytes:
    """The octets of a message: its lines end in CRLF, ``{length}`` is the size of ``body``."""
    text = head.replace("{length}", str(len(body))).replace("\n", "\r\n")
    return f"{text}\r\n".encode() + body
