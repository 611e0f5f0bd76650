"""Random REGISTERs for a few users, made to collide: the material of ``test_serial``.

Each user has a handful of contacts, some of them equal only by the rules of RFC 3261 §19.1.4, and
phones that register, refresh, remove, wipe, ask, repeat themselves and speak out of turn. The same
seed makes the same requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests import wire
from tests.peer.phone import Answer

CONTACTS = (
    "sip:{user}@10.0.0.1",
    "sip:{user}@10.0.0.1;line=1",
    "sip:{user}@10.0.0.1;line=2",
    "sip:{user}@10.0.0.2:5070;transport=tcp",
    "sip:%62{user}@10.0.0.3;ob",
    "sip:b{user}@10.0.0.3",
)
PHONES = 3
"""Call-IDs that a user's requests share."""


@dataclass(slots=True)
class Wish:
    """One REGISTER to come: its headers but for those that a sending adds."""

    user: str
    call_id: str
    cseq: int
    contacts: list[str]
    expires: int

    def request(self, via: str) -> bytes:
        """The message, with ``via`` on top."""
        aor = f"<sip:{self.user}@example.test>"
        return wire.register(
            via=via,
            from_=f"{aor};tag=1",
            to=aor,
            call_id=self.call_id,
            cseq=f"{self.cseq} REGISTER",
            contact=self.contacts or None,
            expires=self.expires,
        )


@dataclass(slots=True)
class Event:
    """A wish that was sent, and its answer."""

    wish: Wish
    data: bytes
    answer: Answer


@dataclass(slots=True)
class Wishes:
    """An endless stream of wishes for ``users`` users, drawn from ``random``."""

    random: Random
    users: int
    _cseqs: dict[str, int] = field(default_factory=dict)
    _last: dict[str, Wish] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Wish]:
        while True:
            user = f"user{self.random.randrange(self.users)}"
            call_id = f"{user}-{self.random.randrange(PHONES)}"
            last = self._last.get(call_id)
            if last and self.random.random() < 0.06:
                yield last
            else:
                self._last[call_id] = wish = self._wish(user, call_id)
                yield wish

    def _wish(self, user: str, call_id: str) -> Wish:
        kind = self.random.random()
        cseq, expires = self._cseq(call_id), self.random.randint(600, 7200)
        if kind < 0.05:
            return Wish(user, call_id, cseq, [], expires)
        if kind < 0.11:
            return Wish(user, call_id, cseq, ["*"], 0)
        contacts = [
            self._contact(user) for _ in range(1 if kind < 0.8 else self.random.randint(2, 3))
        ]
        return Wish(user, call_id, cseq, contacts, expires)

    def _contact(self, user: str) -> str:
        contact = f"<{self.random.choice(CONTACTS).format(user=user)}>"
        if self.random.random() < 0.3:
            contact += f";q=0.{self.random.randint(1, 9)}"
        if self.random.random() < 0.2:
            contact += ";expires=0"
        return contact

    def _cseq(self, call_id: str) -> int:
        """Mostly the next number of that Call-ID; sometimes the same again, or one long past."""
        cseq = self._cseqs.get(call_id, 0)
        luck = self.random.random()
        if luck < 0.1:
            return max(cseq - self.random.randint(0, 5), 1)
        self._cseqs[call_id] = cseq + 1
        return cseq + 1
