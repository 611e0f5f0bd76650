"""Ids of events, and what stands in an entry of a feed."""

import pytest

from regcluster.store.event import MARGIN_MS, Event, Since, read_event, since_id

VALUE = (
    b"11700000060000" + b"1700000000000" * 2 + b"0000000007" + b"d" * 16 + b"uloc-1\n"
    b"\x95\xa0\xff\xa0\xa5c1@ex\xa7Phone/1"
)
FIELDS = (b"kind", b"added", b"aor", b"alice@example.com", b"key", b"sip:alice@192.0.2.1")


def entry(*fields: bytes) -> list[object]:
    """An entry as XRANGE gives it."""
    return [b"1700000000001-2", list(fields)]


def test_an_entry_is_an_event_with_its_binding() -> None:
    """Its id names the partition as well as the place in the stream."""
    event = read_event(entry(*FIELDS, b"value", VALUE), 12, "location")

    assert ("12:1700000000001-2", "added", "alice@example.com", "location") == (
        event.id,
        event.kind,
        event.aor,
        event.table,
    )
    assert event.binding
    assert ("sip:alice@192.0.2.1", "uloc-1", 1_700_000_060_000) == (
        event.binding.uri,
        event.binding.ruid,
        event.binding.expires_at,
    )


def test_an_entry_may_say_why_and_more_than_we_know() -> None:
    """A newer node may have added a field."""
    event = read_event(entry(*FIELDS, b"value", VALUE, b"reason", b"owner", b"x", b"y"), 1, "t")

    assert ("owner", True) == (event.reason, event.binding is not None)


@pytest.mark.parametrize("value", [b"2" + VALUE[1:], b"", VALUE[:-3]])
def test_a_value_that_cannot_be_read_leaves_an_event(value: bytes) -> None:
    """A newer layout, or one that somebody wrote by hand."""
    event = read_event(entry(*FIELDS, b"value", value), 1, "location")

    assert (Event("1:1700000000001-2", "added", "alice@example.com", None, "location")) == event


def test_an_event_happened_when_its_id_says() -> None:
    """It is the store's own clock that made it."""
    assert 1_700_000_000_001 == read_event(entry(*FIELDS, b"value", VALUE), 1, "location").at


def test_an_id_is_a_place_in_one_partition_and_a_time_in_the_others() -> None:
    """A while back in these: their events come in no order with those of the first."""
    since = since_id("12:1700000000001-2")

    assert Since({12: "1700000000001-2"}, 1_700_000_000_001 - MARGIN_MS) == since


def test_no_instant_is_before_the_epoch() -> None:
    """A number below 0 would count from now."""
    assert 0 == since_id("3:5-0").at


@pytest.mark.parametrize(
    "text", ["", "12", "12:5", "5-0", "x:5-0", "12:x-0", "12:5-", "-1:5-0", "1:²-0"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    """With what one looks like."""
    with pytest.raises(ValueError, match="is no id of an event, such as 12:1700000000000-0"):
        since_id(text)
