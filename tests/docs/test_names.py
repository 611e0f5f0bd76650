"""What pages speak of is there, under that name: settings, figures, alerts, files, calls."""

import re
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml

from regcluster.config.fields import FIELDS, SECTIONS
from regcluster.config.names import DROPPED
from regcluster.control.api.operations import OPERATIONS
from regcluster.control.cli import main
from tests.deploy.promql import exported
from tests.docs.commands import commands, shell
from tests.docs.pages import DOCS, PAGES, ROOT, Block, name, prose, spans, written_in

KUBERNETES = DOCS / "kubernetes.md"
"""Speaks of the chart's values as well, which look the same; ``tests/helm`` holds it to these."""

OPERATING = DOCS / "operating.md"

SETTING = re.compile(rf"^(?:\[?)((?:{'|'.join(SECTIONS)})\.[a-z_]+)(?![\w/(*.])")
FILE = re.compile(r"^(?:deploy|docs|tests|benchmarks|helm|regcluster|requirements)/[\w./-]+$")
CALL = re.compile(r"(?:/api/v1)(/[a-z][^\s`?)*]*)")
VERB = re.compile(r"([a-z]+(?: [a-z]+)*) ([A-Z]+(?: [A-Z]+)*)")
FIGURES = {name.removesuffix("_bucket") for name in exported()}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())
ALERTS = {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}

CHART = yaml.safe_load((ROOT / "helm/regcluster/values.yaml").read_text())
SECTIONED = {part: below for part, below in CHART.items() if isinstance(below, dict)}
VALUES = {f"{part}.{key}" for part, below in SECTIONED.items() for key in below} | CHART.keys()

every_page = pytest.mark.parametrize("page", PAGES, ids=name)


@pytest.mark.parametrize("page", [page for page in PAGES if page != KUBERNETES], ids=name)
def test_every_setting_it_names_is_there(page: Path) -> None:
    """``section.key``, set as code."""
    named = {found[1] for span in spans(page) if (found := SETTING.match(span))}
    dropped = {f"registrar.{parameter}" for parameter in DROPPED}

    assert [] == [key for key in named - FIELDS.keys() - dropped if not _is_code(key)]


@every_page
def test_every_figure_it_names_is_exported(page: Path) -> None:
    """Under that very name, in queries too."""
    named = re.findall(r"\bregcluster_\w+", page.read_text(encoding="utf-8"))

    assert set() == set(named) - FIGURES


@every_page
def test_every_alert_it_names_is_there(page: Path) -> None:
    """In ``deploy/prometheus``."""
    assert set() == set(re.findall(r"\bRegcluster[A-Z]\w+", prose(page))) - ALERTS


@every_page
def test_every_target_it_names_is_there(page: Path) -> None:
    """Of ``make``, whether it is typed or spoken of."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^|&& |\$ |    )make ([a-z-]+)", text, re.MULTILINE)

    assert set() == set(named) - TARGETS


@every_page
def test_every_module_it_has_run_is_there(page: Path) -> None:
    """By ``python -m``, as far as it is ours."""
    named = re.findall(r"python3? -m ([\w.]+)", " ".join(page.read_text(encoding="utf-8").split()))
    mine = {module for module in named if (ROOT / module.partition(".")[0]).is_dir()}

    assert [] == [module for module in sorted(mine) if find_spec(module) is None]


@every_page
def test_every_file_it_names_is_there(page: Path) -> None:
    """By its path in the project; a folder with a stroke behind it is one that is written to."""
    named = {span for span in spans(page) if FILE.match(span) and span[-1] != "/"}

    assert [] == sorted(path for path in named if not (ROOT / path).exists())


@pytest.mark.parametrize("block", written_in("sh", "console"), ids=str)
def test_every_file_that_is_typed_is_there(block: Block) -> None:
    """By its path in the project; what Kubernetes calls its objects only looks like that."""
    typed = [words for words in commands(shell(block)) if words[:1] != ["kubectl"]]
    named = {word for words in typed for word in words if FILE.match(word)}

    assert [] == sorted(path for path in named if not (ROOT / path).exists())


@pytest.mark.parametrize("block", written_in("sh", "console"), ids=str)
def test_the_chart_has_every_value_that_is_typed(block: Block) -> None:
    """Behind ``--set`` of ``helm``."""
    typed = [words for words in commands(shell(block)) if words[:1] == ["helm"]]
    given = [
        words[place + 1].partition("=")[0]
        for words in typed
        for place, word in enumerate(words)
        if word == "--set"
    ]

    assert [] == [key for key in given if key not in VALUES]


@every_page
def test_every_call_it_names_is_answered(page: Path) -> None:
    """By the API, under that path."""
    paths = [re.sub(r"\{\w+\}", "[^/]+", operation.path) for operation in OPERATIONS]
    known = [*paths, "/openapi.json"]
    named = set(CALL.findall(page.read_text(encoding="utf-8")))

    assert [] == [call for call in named if not any(re.fullmatch(path, call) for path in known)]


def test_every_argument_is_called_as_in_the_help() -> None:
    """``aor show AOR`` there, and where the verbs are told of."""
    found = [found for span in spans(OPERATING) if (found := VERB.fullmatch(span))]
    written = {each[1]: each[2] for each in found}

    assert {"aor show", "contact rm"} < written.keys()
    assert {verb: _arguments(verb) for verb in written} == written


@pytest.mark.parametrize("folder", ["deploy", "deploy/loadbalancer"])
def test_every_configuration_is_spoken_of(folder: str) -> None:
    """In the page beside it, by file or by folder."""
    page = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in (ROOT / folder).iterdir() if path.name[0] not in "._"}
    there = {name.removesuffix(".dockerignore") for name in names - {"README.md"}}

    assert [] == sorted(name for name in there if f"`{name}" not in page)


def _arguments(verb: str) -> str:
    """The arguments of ``verb`` as its help has them, needed or not."""
    command: click.Command = main
    for word in verb.split():
        assert isinstance(command, click.Group)
        command = command.commands[word]
    there = [each.metavar for each in command.params if isinstance(each, click.Argument)]
    return " ".join(filter(None, there)).translate(str.maketrans("", "", "[]"))


def _is_code(key: str) -> bool:
    """Whether it is a module of that room, or a function of that module, and no setting."""
    room, _, part = key.partition(".")
    module = ROOT / f"regcluster/{room}.py"
    if (ROOT / f"regcluster/{room}/{part}.py").is_file():
        return True
    return module.is_file() and f"def {part}(" in module.read_text(encoding="utf-8")
