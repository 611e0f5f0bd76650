"""Structured logs on standard error: one line an event, JSON for machines, columns for people.

Configured once a process. What a peer sent is logged at debug level at most; both renderers escape
line ends, so no message can forge a log line.
"""

import logging
import sys
from typing import Any, Final

import structlog

from regcluster.config import LogSettings

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

QUIET_S: Final = 1.0
"""Between two log lines about unexpected errors: whoever finds one can repeat it at will."""


def configure(settings: LogSettings, **bound: Any) -> None:
    """Set level and format for this process and bind ``bound`` (node, worker) to every line."""
    json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    renderer: Any = structlog.processors.JSONRenderer()
    if not json:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The one that is prettier shows variables too: passwords, and what peers have sent.
            exception_formatter=structlog.dev.plain_traceback,
        )
    prepare: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if json else _escape,
    ]
    structlog.configure(
        processors=[*prepare, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        # Loggers are made at import, before this runs; a reload changes the level.
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**bound)
    _adopt_logging(prepare, renderer)


def _adopt_logging(prepare: list[Any], renderer: Any) -> None:
    """Have what others log with the standard library, such as asyncio, written as ours is."""
    handler = logging.StreamHandler(sys.stderr)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=prepare, processors=[remove_meta, renderer]
        )
    )
    # Theirs is advice on how we use them; what they tell besides is not for operators.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _escape(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave nothing in a text that could end the line or move the cursor; JSON never does."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(map(_printable, value))
    return event


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(module=name)
    return logger


class Quiet:
    """Lets one event in ``every_s`` seconds be told, and knows how many there were since."""

    __slots__ = ("_every_s", "_until", "_untold")

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._until = 0.0
        self._untold = 0

    def take(self, now: float) -> int:
        """One more event at ``now``; how many to tell of, 0: none yet."""
        self._untold += 1
        if now < self._until:
            return 0
        told = self._untold
        self._until = now + self._every_s
        self._untold = 0
        return told
