"""Compiles the hot path with mypyc, where REGCLUSTER_NATIVE=1 asks for it; else the wheel is pure.

Which modules those are stands in pyproject.toml. Nothing needs them compiled: beside each library
lies the module it was made from, which Python takes where the library does not fit.
"""

import ast
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NativeBuild(BuildHookInterface):  # type: ignore[type-arg]
    """The build hook ``custom`` of hatchling."""

    def is_wanted(self) -> bool:
        """Whether this build is to be a native one."""
        return os.environ.get("REGCLUSTER_NATIVE") == "1"

    def dependencies(self) -> list[str]:
        """What a build in isolation installs: the compiler, and all that is imported, for types."""
        if not self.is_wanted():
            return []
        return [*self.metadata.core.dependencies, *self.config["requires"]]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the libraries into the wheel; an editable install stays pure."""
        if version == "editable" or not self.is_wanted():
            return
        self._folder = tempfile.TemporaryDirectory()
        libraries = self._compile(Path(self._folder.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"].update(libraries)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clear up."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def _compile(self, folder: Path) -> dict[str, str]:
        """Where the libraries are, and where they go."""
        # Only here: a pure build has none of these.
        from mypyc.build import mypycify
        from setuptools import Distribution
        from setuptools.command.build_ext import build_ext

        root, sources = Path(self.root), folder / "sources"
        shutil.copytree(root / "regcluster", sources / "regcluster")
        files = {file for pattern in self.config["modules"] for file in root.glob(pattern)}
        modules = sorted(str(file.relative_to(root)) for file in files)
        texts = {name: (root / name).read_text() for name in modules}
        bases = set().union(*map(base_classes, texts.values()))
        for name, text in texts.items():
            (sources / name).write_text(with_constructors(text, bases))
        # mypy names modules by where they stand from here.
        os.chdir(sources)
        try:
            extensions = mypycify(
                [f"--config-file={root / 'pyproject.toml'}", *modules],
                opt_level="3",
                debug_level="0",
                multi_file=True,
                group_name="regcluster",
                target_dir=str(folder / "c"),
            )
        finally:
            os.chdir(root)
        build = build_ext(Distribution({"name": "regcluster", "ext_modules": extensions}))
        build.parallel = os.cpu_count()
        build.build_lib, build.build_temp = str(folder / "lib"), str(folder / "tmp")
        build.ensure_finalized()
        build.run()
        found = (folder / "lib").rglob("*.so")
        return {str(file): str(file.relative_to(folder / "lib")) for file in found}


def base_classes(source: str) -> set[str]:
    """The names of all classes from which those of ``source`` inherit."""
    classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    return {ast.unparse(base) for node in classes for base in node.bases}


def with_constructors(source: str, bases: set[str]) -> str:
    """``source``, in which each plain data class has the ``__init__`` that it would be given.

    That one would be interpreted, and takes four times as long. No line is moved: a constructor
    stands on the empty line behind its class. Those of ``bases`` are left alone, for their heirs'
    constructors call theirs.
    """
    lines = source.split("\n")
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and _is_plain(node) and node.name not in bases:
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            names = [ast.unparse(field.target) for field in fields]
            given = ", ".join(ast.unparse(field) for field in fields)
            taken = "; ".join(f"self.{name} = {name}" for name in names)
            assert not lines[node.end_lineno or 0], "ruff leaves two lines empty"
            lines[node.end_lineno or 0] = f"    def __init__(self, {given}) -> None: {taken}"
    return "\n".join(lines)


_PLAIN = {"dataclass(slots=True)", "dataclass(slots=True, unsafe_hash=True)"}


def _is_plain(node: ast.ClassDef) -> bool:
    """Whether a class is ``@dataclass(slots=True)``, of no other, with plain fields alone."""
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    methods = {method.name for method in node.body if isinstance(method, ast.FunctionDef)}
    values = [field.value for field in node.body if isinstance(field, ast.AnnAssign)]
    return bool(
        decorators
        and decorators <= _PLAIN
        and not node.bases
        and not methods & {"__init__", "__post_init__"}
        and not any(isinstance(value, ast.Call) for value in values)
    )
