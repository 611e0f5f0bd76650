"""Where settings come from when the command line says nothing, or something."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from regcluster.config.reader import Loaded
from regcluster.control.options import Source, settings_options
from regcluster.errors import ConfigError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def source_of(arguments: list[str], environ: dict[str, str] | None = None) -> Source:
    """What a command is given when it is called with ``arguments``."""
    seen: list[Source] = []

    @click.command()
    @settings_options
    def command(source: Source) -> None:
        seen.append(source)

    CliRunner().invoke(command, arguments, env=environ, catch_exceptions=False)
    return seen[0]


def test_options_become_one_source() -> None:
    """The file and the overrides, in the order they were given."""
    source = source_of(["--set", "a.b=1", "-c", "x.toml", "--set", "a.b=2"])

    assert Source(Path("x.toml"), ("a.b=1", "a.b=2")) == source


def test_the_file_may_be_named_in_the_environment() -> None:
    """The option beats the variable."""
    environ = {"REGCLUSTER_CONFIG": "x.toml"}

    assert Path("x.toml") == source_of([], environ).file
    assert Path("y.toml") == source_of(["-c", "y.toml"], environ).file


def test_the_file_in_the_working_directory_is_read_when_none_is_named(folder: Path) -> None:
    """./regcluster.toml comes before /etc."""
    (folder / "regcluster.toml").write_text("[registrar]\nmax_contacts = 7\n")

    loaded: Loaded = Source(None, ()).load()

    assert (7, Path("regcluster.toml")) == (loaded.settings.registrar.max_contacts, loaded.file)


def test_a_named_file_must_exist() -> None:
    """A typing error in --config must not start a node with defaults."""
    with pytest.raises(ConfigError, match=r"^x\.toml: cannot be read: No such file or directory$"):
        Source(Path("x.toml"), ()).load()


def test_the_environment_is_read_at_each_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """On SIGHUP the same source is loaded again."""
    source = Source(None, ())
    monkeypatch.setenv("REGCLUSTER_NODE__NAME", "one")
    before = source.load().settings.node.name
    monkeypatch.setenv("REGCLUSTER_NODE__NAME", "two")

    assert ("one", "two") == (before, source.load().settings.node.name)


def test_a_file_that_has_gone_is_missed(folder: Path) -> None:
    """Back to the defaults would mean to be registrar for every domain there is."""
    file = folder / "regcluster.toml"
    file.write_text("[routing]\ndomains = ['example.com']\n")
    source = Source(None, ())
    before = source.load()
    same = source.again(before)
    file.unlink()

    assert before == same
    with pytest.raises(ConfigError, match=r"^regcluster\.toml: cannot be read: "):
        source.again(before)


def test_a_file_that_has_come_is_read(folder: Path) -> None:
    """A node that was started without one takes it up."""
    source = Source(None, ())
    before = source.load()
    (folder / "regcluster.toml").write_text("[routing]\ndomains = ['example.com']\n")

    assert ["example.com"] == source.again(before).settings.routing.domains
