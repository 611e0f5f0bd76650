"""The page about Kubernetes shows values that the chart takes."""

import re
from typing import Any

import pytest
import yaml

from tests.helm.chart import ROOT, render

PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_every_example_is_taken(text: str) -> None:
    """Each is a set of values as it stands."""
    values: dict[str, Any] = yaml.safe_load(text)

    assert [] != render(values)


def test_every_file_it_names_is_there() -> None:
    """Paths of the project."""
    names = set(re.findall(r"`((?:helm|deploy)/[\w./-]+)`", PAGE))

    assert [] == sorted(name for name in names if not (ROOT / name).exists())
