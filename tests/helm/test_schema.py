"""The chart refuses values that mean nothing, before anything is made of them."""

import json
from typing import Any

import pytest
from helm_python import HelmValuesError
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from regcluster.config.fields import FIELDS
from tests.helm.chart import chart, trial
from tests.helm.schema import FILE, OF_THE_CHART, renewed


def test_the_schema_holds_the_settings_of_now() -> None:
    """Written anew with: python -m tests.helm.schema"""
    text = FILE.read_text(encoding="utf-8")

    assert text == renewed(text)


def test_it_is_a_schema() -> None:
    """One that Helm 3 reads as well as Helm 4; the chart's own values are by it."""
    schema = json.loads(FILE.read_text())
    Draft7Validator.check_schema(schema)

    assert [] == [error.message for error in Draft7Validator(schema).iter_errors(chart().values)]


def test_it_knows_every_value() -> None:
    """A value that the chart has is one that the schema describes, and the other way round."""
    schema = json.loads(FILE.read_text())

    assert {*chart().values, "global"} == {*schema["properties"]}


def test_what_the_chart_sets_itself_is_a_setting() -> None:
    """A setting that is gone is not refused for long."""
    assert [] == [key for key in OF_THE_CHART if key not in FIELDS]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replica": 3}, "replica"),
        ({"kind": "StatefulSet"}, "/kind"),
        ({"replicas": "three"}, "/replicas"),
        ({"bind": []}, "/bind"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"sip": {"udp": {"service": {"type": "Loadbalancer"}}}}, "/sip/udp/service/type"),
        ({"sip": {"port": 70000}}, "/sip/port"),
        ({"store": {"existingSecret": {"name": "redis", "key": ""}}}, "existingSecret/key"),
        ({"settings": {"registrar": {"max_contact": 1}}}, "max_contact"),
        ({"settings": {"registrar": {"max_contacts": "1"}}}, "max_contacts"),
        ({"settings": {"registrar": {"min_expires_mode": 2}}}, "min_expires_mode"),
        ({"settings": {"routing": {"mode": "proxy"}}}, "mode"),
        ({"settings": {"node": {"drain_s": -1}}}, "drain_s"),
        ({"settings": {"store": {"url": "redis://here"}}}, "url"),
        ({"settings": {"listen": {"udp": ["0.0.0.0:5060"]}}}, "udp"),
        ({"settings": {"http": {"listen": "0.0.0.0:80"}}}, "listen"),
        ({"monitoring": {"podMonitor": {"interval": "often"}}}, "interval"),
        ({"podDisruptionBudget": {"maxUnavailable": "half"}}, "maxUnavailable"),
    ],
)
def test_what_is_misspelled_or_impossible_is_refused(values: dict[str, Any], told: str) -> None:
    """The message names it."""
    with pytest.raises(HelmValuesError) as refused:
        trial(**values)

    assert told in str(refused.value)
