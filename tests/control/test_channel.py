"""The channel: what one end sends, the other receives, until one of them is gone."""

import socket
from collections.abc import AsyncIterator

import pytest

from regcluster.config import NodeSettings, Settings, StoreSettings
from regcluster.control.channel import (
    Applied,
    Apply,
    Channel,
    Drain,
    Fatal,
    Leave,
    Order,
    Ready,
    Report,
    Start,
    Status,
    supervisor_end,
    worker_end,
)

pytestmark = pytest.mark.anyio

Ends = tuple[Channel[Order, Report], Channel[Report, Order]]

SETTINGS = Settings(
    node=NodeSettings(name="knöten\n", drain_s=0.5),
    store=StoreSettings(url="redis://:p%20w@[::1]:6379/3"),
)


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """The supervisor's and the worker's end."""
    ours, theirs = socket.socketpair()
    pair = await supervisor_end(ours), await worker_end(theirs)
    yield pair
    for end in pair:
        end.close()


@pytest.mark.parametrize(
    "order",
    [
        Start(SETTINGS, worker=1, workers=2, folder="/tmp/x"),
        Apply(SETTINGS),
        Apply(SETTINGS, rereads=False),
        Leave(),
        Drain(within_s=2.5),
    ],
)
async def test_an_order_arrives_as_it_was_sent(ends: Ends, order: Order) -> None:
    """With every setting in it, whatever octets it holds."""
    ends[0].send(order)

    assert order == await ends[1].receive()


@pytest.mark.parametrize(
    "report",
    [Ready(), Status(store_problem="gone"), Applied(), Applied("why"), Fatal(problem="a\nb")],
)
async def test_a_report_arrives_as_it_was_sent(ends: Ends, report: Report) -> None:
    """A line end in it does not end it."""
    ends[1].send(report)

    assert report == await ends[0].receive()


async def test_messages_keep_their_order(ends: Ends) -> None:
    """Several in one go are still several."""
    sent: list[Report] = [Ready(), Status(""), Status("gone"), Fatal("why")]
    for report in sent:
        ends[1].send(report)

    assert sent == [await ends[0].receive() for _ in sent]


async def test_settings_of_any_length_arrive(ends: Ends) -> None:
    """A long list of domains is more than a stream's usual line."""
    name = "x" * 1_000_000
    ends[0].send(Apply(Settings(node=NodeSettings(name=name))))
    order = await ends[1].receive()

    assert isinstance(order, Apply)
    assert name == order.settings.node.name


async def test_what_was_sent_before_the_end_is_received_before_it(ends: Ends) -> None:
    """Last words are heard."""
    ends[1].send(Fatal("why"))
    ends[1].close()

    assert Fatal("why") == await ends[0].receive()
    assert await ends[0].receive() is None


async def test_half_a_message_is_none() -> None:
    """A worker killed in the midst of a word has said nothing."""
    ours, theirs = socket.socketpair()
    end = await supervisor_end(ours)
    theirs.sendall(b'{"type":"read')
    theirs.close()

    assert await end.receive() is None

    end.close()


async def test_sending_to_nobody_does_nothing(ends: Ends) -> None:
    """The other end's death is learnt by receiving, wherever one happens to be."""
    ends[1].close()
    for _ in range(3):
        ends[0].send(Drain(1.0))

    assert await ends[0].receive() is None

    ends[0].send(Drain(1.0))
