"""What is told of a storm, and the route script that some of them are met with."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.storm import WEATHERS, Storm, Weather, told
from regcluster.route.loader import load_script
from regcluster.sip.reply import Reply
from tests.route.stage import idle_call

CALM = Storm(
    weather=Weather("udp", "as it comes"),
    users=100,
    capacity=9.6,
    beside=3,
    goodput=[40, 10, 0, 48, 1],
    sent=[100, 60, 0, 50, 1],
    refused=7,
    repeated=60,
    overflow=50,
    failed=1,
    sender_share=0.426,
    limits=[],
)
FLOODED = replace(
    CALM,
    weather=Weather("tcp", "as it comes"),
    sender_share=0.97,
    limits=["it was busy", "9 answers were dropped"],
)


def test_a_share_is_registered_when_the_slice_is_over_in_which_the_last_of_it_was() -> None:
    """Never, if some of it failed."""
    late = replace(CALM, goodput=[40, 10, 0, 48])

    assert {50: 1.0, 90: 2.0, 99: 2.5} == CALM.within_s
    assert {50: 1.0, 90: 2.0, 99: None} == late.within_s


def test_every_storm_tells_what_the_node_could_do_and_what_the_sender_needed_for_it() -> None:
    """In its row, and in the table."""
    report = told([CALM], "native")

    row = report.rows[0]
    assert (10, 3, 0.426, "") == tuple(
        row[name] for name in ("capacity", "beside", "sender_share", "limits")
    )
    lines = report.text.splitlines()
    assert 2 == len(lines)
    assert lines[0].split()[-1] == "sender"
    assert lines[1].split()[-1] == "43%"


def test_storms_in_which_the_sender_was_the_limit_are_named_under_the_table() -> None:
    """With what was wrong; the others are not."""
    report = told([CALM, FLOODED, CALM], "native")

    assert "it was busy; 9 answers were dropped" == report.rows[1]["limits"]
    assert report.text.endswith(
        "\n\nIn 1 of 3 storms the sender itself was the limit:\n"
        "TCP, as it comes: it was busy; 9 answers were dropped."
    )


def test_a_row_stands_for_each_slice_of_each_storm() -> None:
    """A second's worth, at the slice's end, in one of the pictures."""
    report = told([CALM], "native")

    courses = [row for row in report.rows if "series" in row]
    assert {"udp"} == {row["picture"] for row in courses}
    assert [0.5, 1.0, 1.5, 2.0, 2.5] == [row["second"] for row in courses]
    assert [80, 20, 0, 96, 2] == [row["goodput"] for row in courses]


@pytest.mark.anyio
async def test_a_script_tells_those_it_sends_away_one_of_its_seconds(tmp_path: Path) -> None:
    """It is the worker's place that it takes, so the worker's own limit is out of reach."""
    sections = Weather("udp", "by script", 0, (5,)).sections(tmp_path)
    call = idle_call()

    await load_script(str(sections["routing"]["script"])).route(call)

    [reply] = call.effects
    assert isinstance(reply, Reply)
    assert (503, [("Retry-After", "5")]) == (reply.status, reply.headers)
    assert sections["limits"]["in_flight"] == 1_000_000


def test_without_a_script_the_limit_is_the_workers(tmp_path: Path) -> None:
    """And nothing else is set."""
    assert {"limits": {"in_flight": 200}} == Weather("udp", "early", 200).sections(tmp_path)


def test_every_weather_has_a_name_of_its_own_and_a_picture() -> None:
    """Or two of them would be one line."""
    pictures = [chart.where["picture"] for chart in told([CALM], "native").charts]

    assert len(WEATHERS) == len({weather.title for weather in WEATHERS})
    assert {weather.picture for weather in WEATHERS} == set(pictures)
