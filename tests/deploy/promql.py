"""What a node exports, and what a PromQL expression asks for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import promql_parser
from prometheus_client.metrics import MetricWrapperBase

from regcluster import metrics
from regcluster.control.gauges import NodeGauges

OF_PROMETHEUS = frozenset({"job", "instance"})
"""Labels that a scrape adds."""


@dataclass
class Asked:
    """What one expression is about."""

    series: set[str] = field(default_factory=set)
    labels: set[tuple[str, str]] = field(default_factory=set)
    """Each with the series that it is compared at."""
    words: set[tuple[str, str]] = field(default_factory=set)
    """A label and what it has to be; not those that are patterns."""
    groups: set[str] = field(default_factory=set)
    """Labels that figures are added up by."""


def asked(text: str) -> Asked:
    """What ``text`` asks for. Raises ``ValueError`` if it cannot be parsed."""
    found = Asked()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            name = node.name or ""
            found.series.add(name)
            for matcher in node.matchers.matchers:
                found.labels.add((name, matcher.name))
                if matcher.op == promql_parser.MatchOp.Equal:
                    found.words.add((matcher.name, matcher.value))
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            found.groups.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(text), visit)
    return found


@cache
def exported() -> dict[str, frozenset[str]]:
    """The labels of each series of a node, by its name."""
    labels = {}
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            (family,) = value.describe()
            for name in _names(family.name, family.type):
                of_bucket = {"le"} if name.endswith("_bucket") else set()
                labels[name] = frozenset(value._labelnames) | of_bucket
    gauges = NodeGauges("0", 0.0)
    gauges.pids = lambda: {0: os.getpid()}
    for family in gauges.collect():
        for sample in family.samples:
            labels[sample.name] = frozenset(sample.labels)
    return labels


@cache
def words() -> dict[str, set[str]]:
    """The values that labels with few of them can have, of all metrics together."""
    values: dict[str, set[str]] = {}
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            for label, word in _known(value):
                values.setdefault(label, set()).add(word)
    return values


def _known(metric: MetricWrapperBase) -> Iterator[tuple[str, str]]:
    for family in metric.collect():
        for sample in family.samples:
            yield from sample.labels.items()


def _names(name: str, kind: str) -> list[str]:
    match kind:
        case "counter":
            return [f"{name}_total"]
        case "histogram":
            return [f"{name}_{ending}" for ending in ("bucket", "sum", "count")]
    return [name]
