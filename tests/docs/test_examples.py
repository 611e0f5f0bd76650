"""Every example on a page is taken by whatever it is written for."""

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.report import RESULTS
from benchmarks.report import load as load_report
from regcluster.config.reader import load
from regcluster.control.api.tokens import read_tokens
from tests.docs.commands import commands, complaint, environment, ours, shell
from tests.docs.pages import PAGES, ROOT, Block, blocks, name, spans, written_in

TYPED = [*written_in("sh", "console", "set in")]
LANGUAGES = {"sh", "console", "set in", "toml", "yaml", "python", "ini", "text", ""}

PLAIN = {
    "docs/api.md": ["# role  token"],
    "docs/design.md": ["node ── supervisor"],
    "docs/index.md": ["phones ── UDP"],
    "docs/load-testing.md": ["9 refresh, 1 lookup"],
    "docs/operating.md": ["appendonly yes", "ACL SETUSER regcluster reset"],
    "README.md": ["phones ── UDP"],
}
"""What has no language, by how it begins: pictures, output, and what a test of its own reads."""

REPORTS = {load_report(file).report.text.strip() for file in RESULTS.glob("*.json")}
"""What benchmarks have written into pages, which ``tests/benchmarks`` holds to what was saved."""


def test_every_example_is_in_a_language_that_is_looked_at() -> None:
    """A new one wants a test first."""
    assert LANGUAGES >= {block.language for block in blocks()}


def test_what_is_in_no_language_is_known() -> None:
    """Somebody has thought about how it is held to be true."""
    unknown = [
        str(block)
        for block in written_in("text", "")
        if not block.text.startswith(tuple(PLAIN.get(block.page, ["\0"])))
        and block.text.strip() not in REPORTS
    ]

    assert [] == unknown


@pytest.mark.parametrize("block", written_in("toml"), ids=str)
def test_settings_can_be_used(block: Block, tmp_path: Path) -> None:
    """As a file, over the defaults."""
    file = tmp_path / "regcluster.toml"
    file.write_text(block.text)

    assert file == load(file, {}, []).file


@pytest.mark.parametrize("block", written_in("yaml"), ids=str)
def test_yaml_can_be_read(block: Block) -> None:
    """What it says is for those who read it: Prometheus, the chart's own tests."""
    document: Any = yaml.safe_load(block.text)

    assert isinstance(document, dict)
    assert document


@pytest.mark.parametrize("block", written_in("python"), ids=str)
def test_python_can_be_compiled(block: Block) -> None:
    """Scripts in whole are run by tests of their own."""
    assert compile(block.text, str(block), "exec").co_code


@pytest.mark.parametrize("block", written_in("ini"), ids=str)
def test_units_have_sections(block: Block) -> None:
    """With keys in them, as systemd wants it."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.read_string(block.text)

    assert all(unit[section] for section in unit.sections())


@pytest.mark.parametrize("block", TYPED, ids=str)
def test_what_is_typed_is_a_shell_script(block: Block) -> None:
    """``bash -n`` finds no fault with it."""
    script = shell(block)
    checked = subprocess.run(
        ["bash", "-n"], input=script, capture_output=True, text=True, check=False
    )

    assert script.strip()
    assert (0, "") == (checked.returncode, checked.stderr)


@pytest.mark.parametrize("block", TYPED, ids=str)
def test_our_verbs_take_what_is_typed(block: Block) -> None:
    """Verbs and options there are, with values of their type, and settings that can be so."""
    run = [words for line in commands(shell(block)) if (words := ours(line)) is not None]

    assert {} == {" ".join(words): wrong for words in run if (wrong := complaint(words))}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_our_verbs_take_what_the_text_says(page: Path) -> None:
    """Where it names a whole command line."""
    spoken = [span for span in spans(page) if span.startswith("regcluster ")]
    run = [words for span in spoken for line in commands(span) if (words := ours(line))]

    assert {} == {
        " ".join(words): wrong for words in run if (wrong := complaint(words, is_whole=False))
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_variables_are_taken_as_settings(page: Path) -> None:
    """Those that set one, wherever they stand."""
    given = environment(page.read_text(encoding="utf-8"))

    for variable, value in given.items():
        load(None, {} if "..." in value or not value else {variable: value}, [])


def test_the_example_of_tokens_is_a_token_file(tmp_path: Path) -> None:
    """One that reads, one that writes."""
    (block,) = [each for each in written_in("", "text") if each.page == "docs/api.md"]
    file = tmp_path / "tokens"
    file.write_text(block.text)
    tokens = read_tokens(str(file))

    assert ["read", "write"] == [
        tokens.role(line.split()[1]) for line in block.text.splitlines() if line[0] != "#"
    ]


def test_the_lines_for_the_store_are_those_of_the_example_cluster() -> None:
    """Which is started by a test."""
    block = next(each for each in written_in("text") if each.text.startswith("appendonly"))
    conf = (ROOT / "deploy/compose/redis/redis.conf").read_text(encoding="utf-8").splitlines()

    assert [] == [line for line in block.text.splitlines() if line not in conf]


@pytest.mark.parametrize(
    ("typed", "complains"),
    [
        ("regcluster aor show alice@example.com", False),
        ("regcluster import --set store.prefix=rc2 bindings.jsonl", False),
        ("regcluster set registrar.max_contacts=5", False),
        ("regcluster aor", False),
        ("regcluster aor look alice@example.com", True),
        ("regcluster aor show", True),
        ("regcluster aor show alice@example.com bob@example.com", True),
        ("regcluster stats --tables all", True),
        ("regcluster bench --rate fast", True),
        ("regcluster serve --set store.prefixes=rc2", True),
        ("regcluster set store.prefix=rc2", True),
        ("docker compose exec edge-1 regcluster nodes", True),
        ("kubectl exec deploy/x -- regcluster node lists", True),
        ("A=b .venv/bin/regcluster statistics | wc -l", True),
    ],
)
def test_what_cannot_be_typed_is_found(typed: str, complains: bool) -> None:
    """Otherwise the tests above would show nothing."""
    [words] = [found for line in commands(typed) if (found := ours(line)) is not None]

    assert complains == bool(complaint(words))
