"""What each phone has been told, and so which answers about it are true.

A phone refreshes one contact again and again; its CSeq and, so that a caller sees it, the contact's
q count the refreshes. A refresh that was answered 200 binds the store for good. One that was not
may have been done all the same, so it may be seen, and need not be.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field

from tests.peer.phone import Answer

NEVER = 0
"""The version of a phone that has registered nothing."""

TOP = 999
"""The last version: q has three digits."""


@dataclass(slots=True)
class Account:
    """One user, who has one phone."""

    aor: str
    contact: str
    group: str
    """Whose traffic is looked at together."""
    sent: int = NEVER
    """The version in the newest REGISTER."""
    promised: int = NEVER
    """The newest version that was answered 200."""
    is_busy: bool = False
    """Whether a REGISTER has no answer yet: like any phone, this one has one under way at most."""


@dataclass(slots=True)
class Book:
    """Judges answers as they come."""

    refused: Counter[int] = field(default_factory=Counter)
    """Answers that said no, by status, all of them of class 5xx."""
    wrong: list[str] = field(default_factory=list)
    """Answers that nothing can justify."""
    missed: list[str] = field(default_factory=list)
    """Answers to callers that knew less than what had been acknowledged before they asked."""
    answers: int = 0
    silent: int = 0
    """Requests that got no answer."""
    slowest_s: float = 0.0
    good: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """When an answer came that served the asker, by method and group."""

    def registered(self, account: Account, version: int, answer: Answer) -> None:
        """Judge the answer to the REGISTER of ``version``."""
        self._count(answer)
        if answer.status == 200:
            account.promised = max(account.promised, version)
            self._note("REGISTER", account, answer)
            if [version] != versions(answer, account):
                self._accuse(account, "registered", version, answer)
        elif not self._is_refusal(answer):
            self._accuse(account, "registered", version, answer)

    def found(self, account: Account, promised: int, answer: Answer) -> None:
        """Judge what a caller was told who asked when ``promised`` was the newest promise."""
        self._count(answer)
        if self._is_refusal(answer):
            return
        seen = newest(answer, account)
        if seen is None or seen > account.sent:
            self._accuse(account, "looked up", promised, answer)
        elif seen < promised:
            self.missed.append(_line(account, "looked up", promised, answer))
        else:
            self._note("INVITE", account, answer)

    def longest_gap_s(self, method: str, start: float, end: float) -> float:
        """The longest time, in the group that fared worst, without an answer that served."""
        gaps = [0.0]
        for (kind, _), instants in self.good.items():
            if kind == method:
                inside = [start, *(at for at in sorted(instants) if start < at < end), end]
                gaps += [after - before for before, after in itertools.pairwise(inside)]
        return max(gaps)

    def _count(self, answer: Answer) -> None:
        self.answers += 1
        self.slowest_s = max(self.slowest_s, answer.took_s)

    def _is_refusal(self, answer: Answer) -> bool:
        if not 500 <= answer.status < 600:
            return False
        self.refused[answer.status] += 1
        return True

    def _note(self, method: str, account: Account, answer: Answer) -> None:
        self.good.setdefault((method, account.group), []).append(answer.received_at)

    def _accuse(self, account: Account, what: str, version: int, answer: Answer) -> None:
        self.wrong.append(_line(account, what, version, answer))


def render_q(version: int) -> str:
    """The q that says ``version``."""
    return f"0.{version:03}"


def versions(answer: Answer, account: Account) -> list[int]:
    """The version of each contact in ``answer``; -1 for one that is not the phone's."""
    found = []
    for value in answer.values("Contact"):
        for contact in value.split(", "):
            uri, *parameters = contact.split(";")
            named = dict(parameter.partition("=")[::2] for parameter in parameters)
            is_ours = uri == f"<{account.contact}>" and "q" in named
            found.append(round(float(named["q"]) * 1000) if is_ours else -1)
    return found


def newest(answer: Answer, account: Account) -> int | None:
    """The version a caller was led to, ``NEVER`` if to none; ``None`` if that makes no sense."""
    if answer.status in (404, 480):
        return NEVER
    found = versions(answer, account)
    if answer.status != 302 or len(found) != 1 or found[0] < 0:
        return None
    return found[0]


def _line(account: Account, what: str, version: int, answer: Answer) -> str:
    told = f"{answer.status} {answer.values('Contact')}"
    return f"{account.aor}, {what} with {version} of {account.sent}: {told}"
