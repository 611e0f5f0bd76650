"""A steady stream of registrations, so many a second, whatever becomes of them.

An open loop: a slow answer holds up nothing, as with real phones. Each registration is of a new
user with a contact of its own, so that afterwards every acknowledged one can be asked for.
"""

import asyncio
from dataclasses import dataclass, field

from tests.peer.phone import GIVE_UP_S, Answer, Phone


@dataclass(slots=True)
class Load:
    """What was sent and what came back; grows while ``run`` is running."""

    phone: Phone
    rate: int
    """Registrations started a second."""
    repeat: bool = True
    """Whether an unanswered request is sent again, as a phone would."""
    names: str = "user"
    """What the names of the users begin with; a number follows."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """By user."""
    silent: list[str] = field(default_factory=list)
    """Users who got no answer at all."""
    started: int = 0
    """Registrations sent so far: those of the first user to the one before this number."""
    stopped: bool = False
    """Set it to end ``run``: what is under way is still waited for."""
    _progress: asyncio.Event = field(default_factory=asyncio.Event)

    def contact(self, user: str) -> str:
        """The contact that ``user`` registers."""
        return f"sip:{user}@127.0.0.1:{self.phone.port}"

    async def run(self, most: int, give_up_s: float = GIVE_UP_S) -> None:
        """Start up to ``most`` registrations, evenly spaced, and wait for all their answers."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in range(most):
                await asyncio.sleep(start + number / self.rate - loop.time())
                if self.stopped:
                    break
                tasks.create_task(self._one(f"{self.names}{number}", give_up_s))

    async def reached(self, count: int) -> None:
        """Return once ``count`` registrations have been answered."""
        while len(self.answers) < count:
            self._progress.clear()
            await self._progress.wait()

    async def missing(self) -> list[str]:
        """The users who were promised a binding (200) and cannot be found by a caller now."""
        lost = []
        for user, answer in self.answers.items():
            if answer.status == 200:
                found = await self.phone.invite(user)
                if found.status != 302 or f"<{self.contact(user)}>" not in found.text:
                    lost.append(user)
        return lost

    async def _one(self, user: str, give_up_s: float) -> None:
        data, branch = self.phone.registration(user, self.contact(user))
        self.started += 1
        try:
            answer = await self.phone.ask(data, branch, repeat=self.repeat, give_up_s=give_up_s)
        except TimeoutError:
            self.silent.append(user)
        else:
            self.answers[user] = answer
        self._progress.set()
