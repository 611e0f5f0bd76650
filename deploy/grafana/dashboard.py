"""Writes ``dashboards/regcluster.json``: ``python -m deploy.grafana.dashboard``.

A dashboard of Grafana is two thousand lines of JSON that nobody reads; what it shows is said in
``panels``. A test sees to it that the file is what this writes, that every expression can be parsed
and names only what a node exports, and that nothing that is exported is missing.
"""

import json
from pathlib import Path

from deploy.grafana.panels import ROWS, Panel

FILE = Path(__file__).parent / "dashboards" / "regcluster.json"

SCOPE = 'job=~"$job", instance=~"$instance"'
"""Stands for ``@`` in an expression: only the nodes chosen at the top."""

RATE = "[$__rate_interval]"
"""Stands for ``~``."""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}

WIDTH = 24
"""Of the grid."""

Json = dict[str, object]


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2) + "\n"


def dashboard() -> Json:
    """The whole of it."""
    return {
        "uid": "regcluster",
        "title": "regcluster",
        "description": "SIP registrar on Redis: what docs/metrics.md explains.",
        "tags": ["sip", "regcluster"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_datasource(), _choice("job"), _choice("instance")]},
        "annotations": {"list": [_starts()]},
        "panels": _panels(),
    }


def _panels() -> list[Json]:
    """All panels, placed row by row."""
    panels: list[Json] = []
    y = 0
    for title, row in ROWS.items():
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "gridPos": place, "panels": []}
        )
        x, y = 0, y + 1
        for panel in row:
            if x + panel.width > WIDTH:
                x, y = 0, y + panel.height
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_panel(panel)})
            x += panel.width
        y += row[-1].height
    return panels


def _panel(panel: Panel) -> Json:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "targets": [_target(number, *curve) for number, curve in enumerate(panel.curves)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(number: int, expression: str, legend: str) -> Json:
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "expr": expression.replace("@", SCOPE).replace("~)", f"{RATE})"),
        "legendFormat": legend,
    }


def _defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit}
    if panel.kind == "timeseries":
        stacking = {"mode": "normal" if panel.is_stacked else "none", "group": "A"}
        defaults |= {
            "min": 0,
            "custom": {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 25 if panel.is_stacked else 8,
                "showPoints": "never",
                "stacking": stacking,
            },
        }
    return defaults


def _options(panel: Panel) -> Json:
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"]},
            "graphMode": "none",
            "textMode": "auto",
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _datasource() -> Json:
    return {"type": "datasource", "name": "datasource", "label": "Source", "query": "prometheus"}


def _choice(label: str) -> Json:
    """A choice among the values that ``label`` has, all by default."""
    within = '{job=~"$job"}' if label == "instance" else ""
    query = f"label_values(regcluster_ready{within}, {label})"
    return {
        "type": "query",
        "name": label,
        "label": label.capitalize(),
        "datasource": SOURCE,
        "query": {"query": query, "refId": label},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _starts() -> Json:
    """A line through all pictures where a node was started."""
    return {
        "name": "Node started",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "blue",
        "expr": f"changes(regcluster_start_time_seconds{{{SCOPE}}}[1m]) > 0",
        "titleFormat": "{{instance}} started",
    }


if __name__ == "__main__":
    FILE.write_text(text())
