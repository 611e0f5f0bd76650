"""A worker with a route script of its operator's: loaded at start, and again when told to."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from regcluster.config import RoutingSettings, Settings
from regcluster.control.channel import Applied, Apply, Fatal, Ready
from tests.control.test_serve import folder, settings, started
from tests.peer.phone import Phone

pytestmark = [pytest.mark.anyio, pytest.mark.server]

__all__ = ["folder", "settings"]

SCRIPT = """\
async def route(call):
    call.reply({status})
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script that answers 486 to whatever comes."""
    file = tmp_path / "route.py"
    file.write_text(SCRIPT.format(status=486))
    return file


def rewrite(script: Path, text: str) -> None:
    """What an operator's editor does."""
    script.write_text(text)


def scripted(settings: Settings, script: Path) -> Settings:
    """``settings`` with that script."""
    return replace(settings, routing=RoutingSettings(script=str(script)))


async def test_a_worker_goes_by_the_script_it_was_given(
    settings: Settings, folder: Path, script: Path
) -> None:
    """In place of the built-in one."""
    async with started(scripted(settings, script), folder) as ward, Phone(ward.address) as phone:
        await ward.report(Ready)
        answer = await phone.invite("alice")

    assert 486 == answer.status


async def test_a_script_that_cannot_be_loaded_is_fatal(
    settings: Settings, folder: Path, script: Path
) -> None:
    """It is told with file, line and reason, before anybody is served by half of it."""
    rewrite(script, "async def route(call):\n    call.reply(\n")
    async with started(scripted(settings, script), folder) as ward:
        report = await ward.report(Fatal)
        ward.channel.close()
        await ward.ended.wait()

    assert Fatal(f"{script}:2: '(' was never closed") == report
    assert 1 == ward.code


@pytest.mark.parametrize(("rereads", "status"), [(True, 603), (False, 486)])
async def test_a_changed_script_is_read_when_that_is_asked_for(
    settings: Settings, folder: Path, script: Path, rereads: bool, status: int
) -> None:
    """SIGHUP reads it; changing some other setting does not."""
    ours = scripted(settings, script)
    async with started(ours, folder) as ward, Phone(ward.address) as phone:
        await ward.report(Ready)
        rewrite(script, SCRIPT.format(status=603))
        ward.channel.send(Apply(ours, rereads=rereads))
        await ward.report(Applied)
        answer = await phone.invite("alice")

    assert status == answer.status


@pytest.mark.parametrize("is_named", [True, False])
async def test_another_file_is_taken_up_without_being_asked_twice(
    settings: Settings, folder: Path, script: Path, is_named: bool
) -> None:
    """``regcluster set routing.script`` means what it says, also where it names none."""
    other = script.with_name("other.py")
    other.write_text(SCRIPT.format(status=603))
    after = scripted(settings, other) if is_named else settings
    async with (
        started(scripted(settings, script), folder) as ward,
        Phone(ward.address) as phone,
    ):
        await ward.report(Ready)
        ward.channel.send(Apply(after, rereads=False))
        await ward.report(Applied)
        answer = await phone.invite("alice")

    assert (603 if is_named else 404) == answer.status


async def test_a_script_that_was_broken_meanwhile_changes_nothing(
    settings: Settings, folder: Path, script: Path
) -> None:
    """The one that works goes on working."""
    ours = scripted(settings, script)
    async with started(ours, folder) as ward, Phone(ward.address) as phone:
        await ward.report(Ready)
        rewrite(script, "nonsense(")
        ward.channel.send(Apply(ours))
        await ward.report(Applied)
        answer = await phone.invite("alice")

    assert 486 == answer.status
