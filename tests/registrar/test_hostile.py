"""What 60,000 octets of a REGISTER may cost: about what honest ones of that size do.

Each sample is built to take tens or hundreds of milliseconds if something is read before its length
is looked at, or once for each contact. ``tests/sip/test_hostile.py`` has those of the parser alone.
"""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.contact import own_received, read_instance
from regcluster.registrar.extensions import read_extensions
from regcluster.registrar.methods import methods_of
from regcluster.registrar.options import SaveOptions
from regcluster.sip.grammar import Params
from regcluster.sip.message import Request
from tests.registrar.planning import plan, register

EVERYTHING = RegistrarSettings(
    use_path=1,
    path_mode=1,
    path_use_received=1,
    outbound_mode=1,
    trust_contact_from=["192.0.2.0/24"],
)
BY_PATH = LocationSettings(matching_mode=2)
TRUSTED = SaveOptions(source="192.0.2.1")

LIMIT_S = 0.005
"""Of CPU time. Most samples take a tenth of it."""

SIZE = 60_000
VIA = "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2"
CONTACT = "Contact: <sip:a@192.0.2.3>"
ESCAPES = "\\a" * (SIZE // 2)


def quickest(run: Callable[[], object]) -> float:
    """Seconds of CPU that it takes to ``run``, the least of three times."""
    times = []
    for _ in range(3):
        start = process_time()
        with suppress(MalformedHeader):
            run()
        times.append(process_time() - start)
    return min(times)


def planning(request: Request) -> float:
    """The same of planning ``request``."""
    return quickest(lambda: plan(request, EVERYTHING, BY_PATH, TRUSTED))


@pytest.mark.parametrize(
    "headers",
    [
        [VIA, CONTACT, "Path: " + ",".join(["<sip:p;lr>"] * (SIZE // 11))],
        [CONTACT, "Path: " + ",".join(["<sip:p;lr>"] * (SIZE // 11))],
        [CONTACT, "Path: " + ",".join(['"<"<sip:p;lr>'] * (SIZE // 14))],
    ],
    ids=["path-outbound", "path", "path-displays"],
)
def test_what_is_too_long_is_not_read_first(headers: list[str]) -> None:
    """It is refused for its length, at the cost of looking at it."""
    assert LIMIT_S > planning(register(*headers))


@pytest.mark.parametrize(
    "read", [read_instance, lambda params: own_received(params, "192.0.2.1", ["192.0.2.1"])]
)
def test_quotes_are_not_taken_off_what_is_too_long(read: Callable[[Params], object]) -> None:
    """Thirty thousand escapes are no instance-id, and no URI."""
    params: Params = dict.fromkeys(["+sip.instance", "received"], f'"{ESCAPES}"')

    assert LIMIT_S > quickest(lambda: read(params))


def test_a_user_that_is_too_long_is_not_decoded() -> None:
    """Twenty thousand escapes are no AOR."""
    assert LIMIT_S > planning(register(CONTACT, to=f"<sip:{'%41' * (SIZE // 3)}@h>"))


def test_a_long_to_is_not_read_again_for_each_contact() -> None:
    """Whoever looks like a GRUU is compared with the domain in To, which is one for all."""
    contacts = ",".join(f"<sip:a@h;gr={number}>" for number in range(100))
    to = '"' + '\\"' * (SIZE // 3) + '" <sip:alice@example.com>'

    assert 10 * LIMIT_S > planning(register(f"Contact: {contacts}", to=to))


@pytest.mark.parametrize("name", ["Supported", "Allow"])
def test_rows_that_nobody_sends_twice_are_not_remembered(name: str) -> None:
    """What strangers make up takes no memory for long."""
    tracemalloc.start()
    try:
        for number in range(40):
            row = ",".join(f"{name}{number}x{tag}" for tag in range(400))
            read_extensions(register(f"{name}: {row}"))
            methods_of([row])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 100_000 > kept
