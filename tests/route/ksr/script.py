"""Runs what a KEMI script would say about one request, on a bench."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from regcluster.route.kemi import KSR, run_kemi
from regcluster.testing import Phone, ScriptBench

T = TypeVar("T")

ALICE = "sip:alice@example.com"
BOB = "sip:bob@example.com"
CALLER = Phone(BOB, "192.0.2.20")


def kemi(function: Callable[[], object], **settings: object) -> ScriptBench:
    """A bench for a script whose ``ksr_request_route`` is that function."""
    return ScriptBench(run_kemi(lambda _: function()), registrar=settings)


async def told(ask: Callable[[], T], data: bytes = b"", source: str = "") -> T:
    """What ``ask`` tells of one request, an INVITE of bob's to alice unless another is given."""
    answers: list[T] = []
    async with kemi(lambda: answers.append(ask())) as bench:
        await bench.send(data or CALLER.invite(ALICE), source)
    [answer] = answers
    return answer


async def status_of(script: Callable[[], object], messages: Sequence[bytes]) -> list[int | None]:
    """The final responses that a script gives to some requests, None where it gives none."""
    async with kemi(script) as bench:
        replies = [await bench.send(data) for data in messages]
    return [reply.status if reply else None for reply in replies]


async def after_saving(
    ask: Callable[[], object], *, phones: int = 1, data: bytes = b"", **settings: object
) -> object:
    """What a script tells of a request of bob's, once phones of alice have been registered."""
    answers: list[object] = []

    def script() -> None:
        if KSR.is_REGISTER():
            KSR.registrar.save("location", 0)
        else:
            answers.append(ask())

    async with kemi(script, **settings) as bench:
        for number in range(phones):
            phone = Phone(ALICE, f"192.0.2.{10 + number}")
            await bench.send(phone.register(expires=600 - number, contact=_with_q(phone, number)))
        await bench.send(data or CALLER.invite(ALICE))
    [answer] = answers
    return answer


def _with_q(phone: Phone, number: int) -> str:
    return f"{phone.contact};q=0.{9 - number}"
