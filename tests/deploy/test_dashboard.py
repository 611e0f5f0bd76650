"""The dashboard for Grafana: up to date, complete, and about what a node exports."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.dashboard import FILE, text
from tests.deploy.promql import OF_PROMETHEUS, asked, exported, words

DASHBOARD: Any = json.loads(FILE.read_text())
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}


def expressions(panel: Any) -> list[str]:
    """What it asks Prometheus, as Grafana would."""
    return [
        target["expr"]
        .replace("$__rate_interval", "1m")
        .replace("$job", ".*")
        .replace("$instance", ".*")
        for target in panel["targets"]
    ]


def test_the_file_is_what_its_program_writes() -> None:
    """``python -m deploy.grafana.dashboard`` writes it."""
    assert text() == FILE.read_text()


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_asks_for_what_a_node_exports(title: str) -> None:
    """An expression that names anything else is an empty picture."""
    there, known = exported(), words()
    for expression in expressions(PANELS[title]):
        found = asked(expression)

        assert set() == found.series - set(there)
        assert [] == [s for s in found.labels if s[1] not in there[s[0]] | OF_PROMETHEUS]
        assert [] == [word for label, word in found.words if word not in known.get(label, {word})]
        assert found.groups <= OF_PROMETHEUS.union(*[there[series] for series in found.series])


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_explains_itself_and_obeys_the_choices(title: str) -> None:
    """All curves of it are of the nodes chosen at the top."""
    panel = PANELS[title]

    assert panel["description"].endswith(".")
    for target in panel["targets"]:
        assert target["expr"].count("regcluster_") == target["expr"].count('instance=~"$instance"')


def test_all_that_is_exported_is_shown() -> None:
    """What nobody looks at need not be counted."""
    found = [asked(each) for panel in PANELS.values() for each in expressions(panel)]
    shown = {series.removesuffix("_bucket") for each in found for series in each.series}
    there = {name for name in exported() if not name.endswith(("_sum", "_count"))}

    assert shown == {name.removesuffix("_bucket") for name in there}


def test_panels_lie_beside_each_other_and_have_names_of_their_own() -> None:
    """Grafana would move those that overlap, and mix up those of one id."""
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    squares = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]

    assert len(squares) == len(set(squares))
    assert max(x for x, _ in squares) < 24
    assert len(ids) == len(set(ids))
    assert len(PANELS) == sum(panel["type"] != "row" for panel in DASHBOARD["panels"])


def test_grafana_is_told_where_to_look() -> None:
    """One source, and one folder of dashboards."""
    folder = Path(FILE).parents[1] / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())
    boards = yaml.safe_load((folder / "dashboards" / "regcluster.yaml").read_text())

    assert ["prometheus"] == [source["type"] for source in sources["datasources"]]
    assert ["file"] == [provider["type"] for provider in boards["providers"]]
