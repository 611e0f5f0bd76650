"""What an operator takes of the objects that are not Kubernetes' own, as far as the chart uses it.

Written from the definitions of the Prometheus operator and of KEDA; a field that stands in none of
these is one the chart has misspelled.
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT: Schema = {"type": "integer", "minimum": 0}
DURATION: Schema = {"type": "string", "pattern": "^([0-9]+(ms|[smhdwy]))+$"}


def table(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


def listed(item: Schema) -> Schema:
    """A list, not empty."""
    return {"type": "array", "minItems": 1, "items": item}


SELECTOR = table(("matchLabels",), matchLabels=TEXTS)
RELABEL = table(
    sourceLabels=listed(TEXT),
    targetLabel=TEXT,
    regex=TEXT,
    action={"enum": ["replace", "keep", "drop", "labeldrop", "labelkeep"]},
)
ENDPOINT = table(
    ("port",),
    port=TEXT,
    path=TEXT,
    interval=DURATION,
    scrapeTimeout=DURATION,
    relabelings=listed(RELABEL),
    metricRelabelings=listed(RELABEL),
)
RULE = table(
    ("expr",),
    alert=TEXT,
    record=TEXT,
    expr=TEXT,
    labels=TEXTS,
    annotations=TEXTS,
    **{"for": DURATION, "keep_firing_for": DURATION},
)
GROUP = table(("name", "rules"), name=TEXT, interval=DURATION, rules=listed(RULE))
POLICY = table(
    ("type", "value", "periodSeconds"),
    type={"enum": ["Pods", "Percent"]},
    value=COUNT,
    periodSeconds=COUNT,
)
SCALING = table(
    stabilizationWindowSeconds=COUNT,
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    policies=listed(POLICY),
)
TRIGGER = table(
    ("type", "metadata"),
    type=TEXT,
    name=TEXT,
    metadata=TEXTS,
    metricType={"enum": ["AverageValue", "Value", "Utilization"]},
    authenticationRef=table(("name",), name=TEXT, kind=TEXT),
)
SCALED = table(
    ("scaleTargetRef", "triggers"),
    scaleTargetRef=table(("name",), name=TEXT, kind=TEXT, apiVersion=TEXT),
    minReplicaCount=COUNT,
    maxReplicaCount=COUNT,
    pollingInterval=COUNT,
    cooldownPeriod=COUNT,
    advanced=table(
        horizontalPodAutoscalerConfig=table(behavior=table(scaleUp=SCALING, scaleDown=SCALING))
    ),
    triggers=listed(TRIGGER),
)

SPECS: dict[tuple[str, str], Schema] = {
    ("monitoring.coreos.com/v1", "PodMonitor"): table(
        ("selector", "podMetricsEndpoints"),
        jobLabel=TEXT,
        selector=SELECTOR,
        podMetricsEndpoints=listed(ENDPOINT),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): table(("groups",), groups=listed(GROUP)),
    ("keda.sh/v1alpha1", "ScaledObject"): SCALED,
}
"""What ``spec`` may hold, by version and kind."""
