"""The rules of the house that no linter knows: sizes, the changelog, the wheel, the pins."""

import ast
import re
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("regcluster", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".lua"}
)

MAX_FILE = 400
MAX_FUNCTION = 60
"""Lines from ``def`` to the last statement; the aim is ten, and forty is already a question."""


@cache
def trees() -> dict[str, ast.Module]:
    """Every module, as Python reads it."""
    modules = [name for name in SOURCES if name.endswith(".py")]
    return {name: ast.parse((ROOT / name).read_text()) for name in modules}


def test_no_file_outgrows_its_room() -> None:
    """A file has at most 400 lines: past that it is two files that have not met yet."""
    lines = {name: len((ROOT / name).read_text().splitlines()) for name in SOURCES}

    assert {} == {name: count for name, count in lines.items() if count > MAX_FILE}


def test_no_function_outgrows_the_screen() -> None:
    """A function has at most 60 lines, its docstring included."""
    long = [
        f"{name}: {node.name}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION
    ]

    assert [] == long


def test_every_module_says_what_it_owns() -> None:
    """A module opens with a docstring, unless it holds nothing at all."""
    silent = [
        name
        for name, tree in trees().items()
        if name.startswith("regcluster/") and tree.body and not ast.get_docstring(tree)
    ]

    assert [] == silent


def test_changelog_starts_with_what_is_not_released() -> None:
    """The first section of the changelog is *Unreleased*, and it is not empty."""
    sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]
    heading, _, body = sections[0].partition("\n")

    assert heading == "Unreleased"
    assert "\n- " in body


def test_wheel_carries_the_scripts(tmp_path: Path) -> None:
    """Every Lua script and the typing marker are in the wheel, and no test is."""
    expected = {name for name in SOURCES if name.endswith(".lua") and name.startswith("regcluster")}

    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    names = set(zipfile.ZipFile(wheel).namelist())

    assert expected | {"regcluster/py.typed"} <= names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.parametrize("name", ["run", "dev", "native"])
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    """A build that nobody pinned cannot come in: each requirement has a version and a hash."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    loose = [line for line in text.splitlines() if not re.match(r"\S+==\S+ .*--hash=sha256:", line)]

    assert [] == loose


@pytest.mark.parametrize("name", ["run", "native"])
def test_tests_run_what_production_runs(name: str) -> None:
    """What another requirement file names, that of the tests names in the same version."""
    pins, dev = _pins(ROOT / f"requirements/{name}.txt"), _pins(ROOT / "requirements/dev.txt")

    assert pins == {name: dev.get(name) for name in pins}


def test_every_dependency_is_pinned() -> None:
    """``make lock`` was run after the last change of the dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    listed = [package for group in groups.values() for package in group]
    wanted = [*project["project"]["dependencies"], *listed]
    names = {re.split(r"[\[><=~!; ]", line)[0] for line in wanted}

    assert names <= _pins(ROOT / "requirements/dev.txt").keys()


def _pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", file.read_text(), flags=re.MULTILINE))
