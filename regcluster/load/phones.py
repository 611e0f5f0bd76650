"""Which phone the next request is about, and what its REGISTERs are numbered.

Processes share the phones out by number, so no phone is ever two processes' business.
"""

from collections.abc import Callable

from regcluster.load.pace import share, stride
from regcluster.load.plan import MOST_USERS, Load


class Phones:
    """The phones of process ``part`` of ``parts``."""

    def __init__(self, load: Load, part: int, parts: int) -> None:
        self._first = load.first + part
        self._step = parts
        self._size = share(load.users, part, parts)
        self._stride = stride(self._size)
        self._place = 0
        self._new = load.first_new + part
        self._stranger = MOST_USERS + part
        self._cseq = load.cseq
        self.choose: dict[str, Callable[[], int]] = {
            "register": self._newcomer,
            "refresh": self._known,
            "lookup": self._known,
            "forward": self._known,
            "miss": self._nobody,
        }
        """By kind of request: the number of the phone it is about."""

    def all(self) -> range:
        """The numbers of those that are to be registered before the run."""
        end = self._first + self._step * self._size
        return range(self._first, end, self._step)

    def cseq(self) -> int:
        """A number higher than all before, hence than any that the phone has used."""
        self._cseq += 1
        return self._cseq

    def _known(self) -> int:
        # In no order that a cache could like, and everyone once before anyone twice.
        self._place = (self._place + self._stride) % self._size
        return self._first + self._step * self._place

    def _newcomer(self) -> int:
        number = self._new
        self._new += self._step
        return number

    def _nobody(self) -> int:
        number = self._stranger
        self._stranger = number + self._step if number < 99_000_000 else MOST_USERS
        return number
