"""When those that are refused may come back.

Refusing must stay cheap and must not gather the refused into one wave: each is told another time
(RFC 3261 §21.5.4). What is refused, and what is counted, is the worker's business.
"""

from collections.abc import Callable


def retry_after(middle: int, spread: Callable[[], float]) -> int:
    """Whole seconds from half of ``middle`` to one and a half of it, all equally likely.

    ``spread`` draws from [0, 1).
    """
    least = (middle + 1) // 2
    most = middle * 3 // 2
    return least + int(spread() * (most - least + 1))
