"""From the file of a route script to a ``Route``; what is wrong with it is said at start.

A script is one Python file. Its entry point is ``async def route(call)``; or, as in Kamailio's
Python scripts, ``mod_init()`` that returns an object with ``ksr_request_route(self, msg)``, or that
function itself. Each load runs the file anew in a module of its own, which nobody can import.
"""

import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from regcluster.errors import ConfigError
from regcluster.route.call import Call, Route
from regcluster.route.expiry import Callback, tell_kemi, tell_of
from regcluster.route.kemi import run_kemi

MODULE = "regcluster_route_script"

FIRST_CHILD = 1
"""The rank that ``child_init`` is told: that of a process which takes requests."""

_COUNTED = ("no arguments", "one argument besides self", "two arguments besides self")

_HOW_TO_BEGIN = (
    "has no entry point; write async def route(call), or for KEMI mod_init() or ksr_request_route"
)


@dataclass(slots=True, frozen=True)
class Script:
    """What a script is entered by."""

    route: Route
    callback: Callback | None
    """What ``registrar.event_callback`` names, if it names anything."""


def load_script(file: str | Path, event_callback: str = "") -> Script:
    """The script in ``file``, in which there is a function ``event_callback`` if one is named.

    Raises ``ConfigError`` that names file, line and reason. What the script does while it is
    loaded, it does here.
    """
    return _Load(str(file)).script(event_callback)


class _Load:
    """One load of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._module = ModuleType(MODULE)
        self._module.__file__ = file

    def script(self, event_callback: str) -> Script:
        code = self._compiled()
        self._guarded(lambda: self._execute(code))
        names = vars(self._module)
        if "route" in names:
            self._check_function(names["route"], "route", is_async=True)
            callback = self._callback(self._module, event_callback, is_async=True)
            return Script(_shielded(names["route"]), callback and tell_of(callback))
        if "mod_init" not in names and "ksr_request_route" not in names:
            raise self._problem(_HOW_TO_BEGIN)
        return self._kemi(event_callback)

    def _kemi(self, event_callback: str) -> Script:
        """Do as Kamailio does with a Python script, once for this process."""
        owner: Any = self._module
        mod_init = getattr(owner, "mod_init", None)
        if mod_init is not None:
            self._check_function(mod_init, "mod_init", arguments=0)
            made = self._guarded(mod_init)
            # A script without a class returns a number, or nothing.
            owner = self._module if made is None or isinstance(made, int) else made
        function = getattr(owner, "ksr_request_route", None)
        if function is None:
            raise self._problem("has no ksr_request_route in what mod_init() returned", mod_init)
        self._check_function(function, "ksr_request_route")
        callback = self._callback(owner, event_callback, is_async=False)
        child_init = getattr(owner, "child_init", None)
        if child_init is not None:
            self._check_function(child_init, "child_init")
            refused = self._guarded(lambda: child_init(FIRST_CHILD))
            if isinstance(refused, int) and refused < 0:
                raise self._problem(f"child_init() returned {refused}, which is a no", child_init)
        return Script(run_kemi(function), callback and tell_kemi(callback))

    def _compiled(self) -> CodeType:
        try:
            return compile(Path(self._file).read_bytes(), self._file, "exec")
        except OSError as failed:
            raise self._problem(f"cannot be read: {failed.strerror}") from failed
        except (SyntaxError, ValueError) as broken:
            reason = getattr(broken, "msg", str(broken))
            raise self._problem(reason, line=getattr(broken, "lineno", None)) from broken

    def _execute(self, code: CodeType) -> None:
        # Dataclasses look their module up while they are made; afterwards nobody should.
        sys.modules[MODULE] = self._module
        try:
            exec(code, vars(self._module))
        finally:
            del sys.modules[MODULE]

    def _guarded(self, run: Callable[[], object]) -> object:
        """What ``run`` returns; whatever the script raises meanwhile is a problem of its own."""
        try:
            return run()
        except (Exception, SystemExit) as raised:
            frames = traceback.extract_tb(raised.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == self._file]
            raise self._problem(_told(raised), line=lines[-1] if lines else None) from raised

    def _check_function(
        self, function: object, name: str, *, arguments: int = 1, is_async: bool = False
    ) -> None:
        if not callable(function):
            raise self._problem(f"{name} is no function")
        if inspect.iscoroutinefunction(function) is not is_async:
            kind = "async def" if is_async else "a plain def"
            raise self._problem(f"{name} has to be {kind}", function)
        try:
            inspect.signature(function).bind(*[None] * arguments)
        except TypeError:
            wanted = _COUNTED[arguments]
            raise self._problem(f"{name} has to take {wanted}", function) from None

    def _callback(self, owner: object, name: str, *, is_async: bool) -> Any:
        """The function that is told of expiries; None if nobody wants one."""
        if not name:
            return None
        function = getattr(owner, name, None)
        if not callable(function):
            raise self._problem(f"has no function {name}, which registrar.event_callback names")
        self._check_function(function, name, arguments=1 if is_async else 2, is_async=is_async)
        return function

    def _problem(self, reason: str, about: object = None, line: int | None = None) -> ConfigError:
        """``reason``, with the line if there is one, or else that of the function ``about``."""
        code = getattr(about, "__code__", None)
        line = line or (code.co_firstlineno if code else 0)
        where = f"{self._file}:{line}" if line else self._file
        return ConfigError([f"{where}: {reason}"])


def _shielded(route: Route) -> Route:
    """``route``, but a script that exits ends its own run only, never the worker."""

    async def serve(call: Call) -> None:
        try:
            await route(call)
        except SystemExit:
            return

    return serve


def _told(raised: BaseException) -> str:
    if isinstance(raised, SystemExit):
        return "the script exits while it is loaded"
    if isinstance(raised, ModuleNotFoundError) and raised.name == "KSR":
        return "there is no module KSR here; write: from regcluster.route.kemi import KSR"
    return f"{type(raised).__name__}: {raised}" if str(raised) else type(raised).__name__
