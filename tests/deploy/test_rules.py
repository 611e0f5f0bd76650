"""The rules for Prometheus: what they ask for is there, what they say is complete, and tested."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.promql import OF_PROMETHEUS, asked, exported, words

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def read(name: str) -> Any:
    """A YAML file of the folder."""
    return yaml.safe_load((FOLDER / name).read_text())


TESTS = read("rules.test.yaml")["tests"]
RULES = {rule["alert"]: rule for group in read("rules.yaml")["groups"] for rule in group["rules"]}


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_asks_for_what_a_node_exports(alert: str) -> None:
    """By names, by labels, and by words that these can be; else it would be silent for ever."""
    there = exported() | {"up": frozenset()}
    found = asked(RULES[alert]["expr"])
    known = words()

    assert set() == found.series - set(there)
    assert [] == [each for each in found.labels if each[1] not in there[each[0]] | OF_PROMETHEUS]
    assert [] == [word for label, word in found.words if word not in known.get(label, {word})]
    assert found.groups <= OF_PROMETHEUS.union(*[there[series] for series in found.series])


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_says_what_is_wrong_and_what_to_do(alert: str) -> None:
    """To whoever is woken by it."""
    rule = RULES[alert]

    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description"} == set(rule["annotations"])
    assert rule["annotations"]["description"].endswith(".")


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_has_a_test_of_its_name(alert: str) -> None:
    """In which it fires, after it was quiet."""
    (test,) = [test for test in TESTS if test["name"] == alert]
    quiet, fires = [case["exp_samples"] for case in test["promql_expr_test"]]

    assert quiet == []
    assert [f'alertname="{alert}"'] == re.findall(r'alertname="\w+"', fires[0]["labels"])


def test_the_page_names_every_alert() -> None:
    """With the same severity."""
    rows = re.findall(r"^\| `(Regcluster\w+)` \| (\w+) \|", PAGE, re.MULTILINE)

    assert dict(rows) == {alert: rule["labels"]["severity"] for alert, rule in RULES.items()}


def test_prometheus_is_told_of_the_rules_and_calls_the_job_as_they_do() -> None:
    """RegclusterDown goes by it."""
    settings = read("prometheus.yaml")

    assert ["rules.yaml"] == settings["rule_files"]
    (pattern,) = re.findall(r'job=~"(.*?)"', RULES["RegclusterDown"]["expr"])
    assert re.fullmatch(pattern, settings["scrape_configs"][0]["job_name"])
