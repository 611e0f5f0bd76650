"""What a module has to keep to that can be compiled, whether or not anybody compiles it."""

import ast
import tomllib
from dataclasses import dataclass, fields
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOOK = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
COMPILED = sorted(
    file.relative_to(ROOT).as_posix() for pattern in HOOK["modules"] for file in ROOT.glob(pattern)
)

PURE = sorted(
    name
    for file in (ROOT / "regcluster").rglob("*.py")
    if (name := file.relative_to(ROOT).as_posix()) not in COMPILED
)


def functions(name: str) -> list[ast.AsyncFunctionDef]:
    tree = ast.parse((ROOT / name).read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]


def waits(body: list[ast.stmt]) -> list[int]:
    """The lines in which a block waits for something."""
    kinds = ast.Await | ast.AsyncWith | ast.AsyncFor
    return [n.lineno for stmt in body for n in ast.walk(stmt) if isinstance(n, kinds)]


@pytest.mark.parametrize("pattern", HOOK["modules"])
def test_what_is_compiled_is_there(pattern: str) -> None:
    """A module that was given another name would be left out without a word."""
    assert list(ROOT.glob(pattern))


@pytest.mark.parametrize("name", COMPILED)
def test_nothing_is_awaited_while_an_exception_is_handled(name: str) -> None:
    """mypyc 2.4 loses the exception, a cancellation too, or crashes (mypyc issue 1114).

    An ``async with`` waits on its way out: of two that fail at once, one never ends.
    """
    nodes = [node for function in functions(name) for node in ast.walk(function)]
    trys = [node for node in nodes if isinstance(node, ast.Try)]
    bodies = [body for n in trys for body in (n.finalbody, *[h.body for h in n.handlers])]
    ways_out = [node.lineno for node in nodes if isinstance(node, ast.AsyncWith)]

    assert [] == [*ways_out, *[line for body in bodies for line in waits(body)]]


@pytest.mark.parametrize("name", COMPILED)
def test_no_generator_has_anything_to_clear_up(name: str) -> None:
    """One that is left before its end is dropped by mypyc, its ``finally`` and all."""
    nodes = ast.walk(ast.parse((ROOT / name).read_text()))
    blocks = [node for node in nodes if isinstance(node, ast.Try | ast.With)]
    within = [node for block in blocks for node in ast.walk(block)]

    assert [] == [node.lineno for node in within if isinstance(node, ast.Yield | ast.YieldFrom)]


@pytest.mark.parametrize("name", COMPILED)
def test_a_data_class_holds_nothing_but_fields(name: str) -> None:
    """``hatch_build.py`` makes a parameter of its constructor of each annotation."""
    nodes = ast.walk(ast.parse((ROOT / name).read_text()))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    told = [s for node in classes for s in node.body if isinstance(s, ast.AnnAssign)]
    others = ("ClassVar", "InitVar", "KW_ONLY")

    assert [] == [s.lineno for s in told if any(o in ast.unparse(s.annotation) for o in others)]


@pytest.mark.parametrize("name", COMPILED)
def test_no_attribute_begins_as_none_in_the_body_of_a_class(name: str) -> None:
    """mypyc takes that for a mere declaration where the type is a protocol or None."""
    tree = ast.parse((ROOT / name).read_text())
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    plain = [
        node
        for node in classes
        if not any("dataclass" in ast.unparse(it) for it in node.decorator_list)
    ]
    attributes = [s for node in plain for s in node.body if isinstance(s, ast.AnnAssign)]

    assert [] == [s.lineno for s in attributes if s.value and ast.unparse(s.value) == "None"]


@pytest.mark.parametrize("name", COMPILED)
def test_no_coroutine_yields(name: str) -> None:
    """mypyc compiles no asynchronous generators."""
    nodes = [node for function in functions(name) for node in ast.walk(function)]

    assert [] == [node.lineno for node in nodes if isinstance(node, ast.Yield)]


@pytest.mark.parametrize("name", PURE)
def test_no_interpreted_class_inherits_from_a_compiled_one(name: str) -> None:
    """It cannot: whoever is compiled takes all heirs along."""
    tree = ast.parse((ROOT / name).read_text())
    origins = {
        alias.asname or alias.name: f"{node.module.replace('.', '/')}.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = [base.id for node in classes for base in node.bases if isinstance(base, ast.Name)]

    assert [] == [base for base in bases if origins.get(base) in COMPILED]


def test_a_data_class_is_given_the_constructor_it_would_have() -> None:
    """Where it is read, no line moves, and a class that others inherit from is left alone."""
    source = "@dataclass(slots=True)\nclass A:\n    a: int\n    b: str = ''\n\n\nc = 1"
    spec = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    hook = module_from_spec(spec)
    spec.loader.exec_module(hook)

    given = hook.with_constructors(source, set())

    space: dict[str, type] = {"dataclass": dataclass}  # type: ignore[dict-item]
    exec(given, space)
    made = space["A"](1, b="x")
    assert [1, "x"] == [getattr(made, field.name) for field in fields(space["A"])]
    assert ["c = 1", source] == [given.split("\n")[6], hook.with_constructors(source, {"A"})]
    assert {"A"} == hook.base_classes("class B(A): ...")
