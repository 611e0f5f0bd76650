"""What 60,000 octets of a REGISTER may cost: about what honest ones of that size do.

Each sample is built to take tens or hundreds of milliseconds if something is read before its length
is looked at, or once for each contact. ``tests/sip/test_hostile.py`` has those of the parser alone.
"""

import tracemalloc
from time import process_time

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.extensions import read_extensions
from regcluster.registrar.methods import methods_of
from regcluster.registrar.options import SaveOptions
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


def quickest(request: Request) -> float:
    """Seconds of CPU that it takes to plan ``request``, the least of three times."""
    times = []
    for _ in range(3):
        start = process_time()
        plan(request, EVERYTHING, BY_PATH, TRUSTED)
        times.append(process_time() - start)
    return min(times)


@pytest.mark.parametrize(
    "headers",
    [
        [VIA, CONTACT, "Path: " + ",".join(["<sip:p;lr>"] * (SIZE // 11))],
        [CONTACT, "Path: " + ",".join(["<sip:p;lr>"] * (SIZE // 11))],
        [CONTACT, "Path: " + ",".join(['"<"<sip:p;lr>'] * (SIZE // 14))],
        [CONTACT + f';+sip.instance="<{ESCAPES}>"'],
        [CONTACT + f';received="{ESCAPES}"'],
    ],
    ids=["path-outbound", "path", "path-displays", "instance", "received"],
)
def test_what_is_too_long_is_not_read_first(headers: list[str]) -> None:
    """It is refused for its length, at the cost of looking at it."""
    assert LIMIT_S > quickest(register(*headers))


def test_a_user_that_is_too_long_is_not_decoded() -> None:
    """Twenty thousand escapes are no AOR."""
    assert LIMIT_S > quickest(register(CONTACT, to=f"<sip:{'%41' * (SIZE // 3)}@h>"))


def test_a_long_to_is_not_read_again_for_each_contact() -> None:
    """Whoever looks like a GRUU is compared with the domain in To, which is one for all."""
    contacts = ",".join(f"<sip:a@h;gr={number}>" for number in range(100))
    to = '"' + '\\"' * (SIZE // 3) + '" <sip:alice@example.com>'

    assert 10 * LIMIT_S > quickest(register(f"Contact: {contacts}", to=to))


@pytest.mark.parametrize("name", ["Supported", "Allow"])
def test_rows_that_nobody_sends_twice_are_not_remembered(name: str) -> None:
    """What strangers make up takes no memory for long."""
    tracemalloc.start()
    try:
        for number in range(10):
            row = ",".join(f"t{number}x{tag}" for tag in range(4000))
            read_extensions(register(f"{name}: {row}"))
            methods_of([row])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 100_000 > kept
