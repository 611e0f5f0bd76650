"""What histories of all topics speak of: users, contacts, statuses, and how outcomes show them."""

from tests.peer.differential.sequence import INSTANCE

OK = "200 OK"
BAD = "400 Bad Request"

A, B, C = "<sip:a@1.1.1.1>", "<sip:b@1.1.1.1>", "<sip:c@1.1.1.1>"
ME = "sip:{user}@h.com"
STRANGER = "sip:{user}-stranger@h.com"
BAD_URI = "sip:%zz@example.com"
TARGET = "sip:{user}@example.com"
UNTOUCHED = f"{TARGET}|||0||"
URN = "urn:uuid:00000000-0000-1000-8000-000A95A0E128"


def first(user: str) -> str:
    """The first branch."""
    return f"sip:{user}@1.1.1.1||udp:HERE|0||"


def branch(user: str, q: str = "") -> str:
    """A further branch."""
    return f"sip:{user}@1.1.1.1||udp:HERE|0||{q}"


def listed(*contacts: str) -> list[str]:
    """Contacts as an hour's bindings."""
    return [f"{contact};expires=3600" for contact in contacts]


def bound(contact: str, instance: str = INSTANCE, reg_id: int = 0) -> str:
    """A binding with an instance as it is listed."""
    number = f";reg-id={reg_id}" if reg_id else ""
    return f"{contact};expires=3600;{instance}{number}"
