"""What time it is for Redis, told from its own replies.

Instants in the store are Redis's, so reading them needs Redis's clock, not this machine's. Each
reply that carries TIME bounds it: the server read its clock after the question left and before the
answer came. Between replies a monotonic clock, given by the caller, carries the estimate on.
"""


class StoreClock:
    """An estimate that is never further off than its closest question took."""

    def __init__(self) -> None:
        self._offset: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether any reply was seen."""
        return self._offset is not None

    def observe(self, told: int, asked: float, answered: float) -> None:
        """Learn that Redis's clock showed ``told`` ms between two monotonic instants, in seconds.

        The estimate moves only as far as the reply forces it: a slow answer says little and moves
        little, and a clock that was set anew is followed at once.
        """
        least = told - answered * 1000
        most = told + 1 - asked * 1000
        if self._offset is None:
            self._offset = (least + most) / 2
        else:
            self._offset = min(max(self._offset, least), most)

    def now(self, monotonic: float) -> int:
        """Redis's time in epoch ms at that monotonic instant; 0 before the first reply."""
        return 0 if self._offset is None else int(self._offset + monotonic * 1000)
