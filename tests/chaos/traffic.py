"""A steady stream of REGISTERs and calls through all nodes, at a rate that waits for nobody.

An open loop: a slow answer holds up no other request. Each request is sent once and has one answer
to get, so silence shows. Half of the REGISTERs refresh one of a few phones again and again, the
others are each the only one of their phone: what a store forgets of those nobody tells it again.
"""

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence

from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from tests import wire
from tests.chaos.book import TOP, Account, Book, render_q
from tests.peer.phone import Phone

RATE = 200
"""Requests a second, half of them REGISTERs."""

PARTITIONS = 16

GIVE_UP_S = 3.0

REFRESHED = 60
"""Phones that register again and again."""

AT_ONCE = 50


class Traffic:
    """Phones and callers behind ``lines``, one to each node, while ``run`` runs."""

    def __init__(self, lines: Sequence[Phone]) -> None:
        self.book = Book()
        self._lines = lines
        self._new = _accounts()
        self._refreshed = [next(self._new) for _ in range(REFRESHED)]
        self._accounts = self._refreshed.copy()
        self._latest = self._refreshed.copy()
        """In the order in which they have sent their last REGISTER."""
        self._dice = random.Random(1)
        self._progress = asyncio.Event()
        self._is_stopped = False

    async def run(self) -> None:
        """Send until ``stop``, then wait for what is under way."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                await asyncio.sleep(start + number / RATE - loop.time())
                if self._is_stopped:
                    return
                tasks.create_task(self._one(number))

    def stop(self) -> None:
        """Send no more."""
        self._is_stopped = True

    async def settled(self) -> None:
        """Return once every phone that registers again and again has been promised something."""
        while not all(account.promised for account in self._refreshed):
            self._progress.clear()
            await self._progress.wait()

    async def lost(self) -> list[str]:
        """What the nodes do not know now of what was promised; all else of it stands."""
        found = Book()

        unsure = list(itertools.product(self._accounts, self._lines))
        while unsure:
            some, unsure = unsure[:AT_ONCE], unsure[AT_ONCE:]
            statuses = await asyncio.gather(*[self._call(*pair, found) for pair in some])
            # Who was refused asks again: the store is well, so it is soon answered.
            unsure += [pair for pair, status in zip(some, statuses, strict=True) if status >= 500]
        return sorted({*found.missed, *found.wrong})

    async def _one(self, number: int) -> None:
        turn, is_call = divmod(number, 2)
        try:
            if is_call:
                # The other node's than the one through which the phone called has registered.
                line = self._lines[(turn + 1) % len(self._lines)]
                await self._call(self._called(turn), line, self.book)
            else:
                line = self._lines[turn % len(self._lines)]
                await self._register(self._registering(turn), line)
        except TimeoutError:
            self.book.silent += 1
        self._progress.set()

    def _registering(self, turn: int) -> Account:
        """Who registers in this turn."""
        at, is_new = divmod(turn // 2, 2)
        if is_new:
            account = next(self._new)
            self._accounts.append(account)
            return account
        return self._refreshed[(2 * at + turn % 2) % REFRESHED]

    def _called(self, turn: int) -> Account:
        """Somebody who has registered just now, or anybody."""
        return self._dice.choice(self._accounts) if turn % 4 < 2 else self._latest[-2]

    async def _register(self, account: Account, line: Phone) -> None:
        if account.is_busy:
            return
        account.sent += 1
        version = account.sent
        assert version <= TOP, "the run was too long for the versions there are"
        self._latest = [*self._latest[-2:], account]
        via, branch = line.via()
        data = wire.register(
            via=via,
            from_=f"<sip:{account.aor}>;tag=1",
            to=f"<sip:{account.aor}>",
            call_id=account.aor,
            cseq=f"{version} REGISTER",
            contact=f"<{account.contact}>;q={render_q(version)}",
            expires=3600,
        )
        account.is_busy = True
        try:
            answer = await line.ask(data, branch, repeat=False, give_up_s=GIVE_UP_S)
        finally:
            account.is_busy = False
        self.book.registered(account, version, answer)

    async def _call(self, account: Account, line: Phone, book: Book) -> int:
        promised, uri = account.promised, f"sip:{account.aor}"
        via, branch = line.via()
        data = wire.invite(uri, via=via, to=f"<{uri}>", call_id=branch.decode())
        answer = await line.ask(data, branch, repeat=False, give_up_s=GIVE_UP_S)
        book.found(account, promised, answer)
        return answer.status


def _accounts() -> Iterator[Account]:
    """Accounts of the loaded partition and of the others, two of each at a time."""
    keys = Keys(StoreSettings(partitions=PARTITIONS))
    groups: dict[str, list[Account]] = {"loaded": [], "other": []}
    for number in itertools.count():
        aor = f"u{number}@example.test"
        group = "loaded" if keys.of(aor.encode())[1] == keys.indexes[0] else "other"
        groups[group].append(Account(aor, f"sip:u{number}@127.0.0.1:5070", group))
        while all(len(waiting) >= 2 for waiting in groups.values()):
            for waiting in groups.values():
                yield waiting.pop()
                yield waiting.pop()
            # What is too much of the larger group is left out.
            groups["other"].clear()
