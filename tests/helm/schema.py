"""The chart's ``values.schema.json``, of which ``settings`` is written from the settings classes.

The rest of that file is kept by hand. ``python -m tests.helm.schema`` writes it anew.
"""

import json
from typing import Any

from regcluster.config.schema import schema
from tests.helm.chart import CHART

FILE = CHART / "values.schema.json"

OF_THE_CHART = frozenset(
    {
        "node.name",
        "listen.udp",
        "listen.tcp",
        "listen.tcp_proxied",
        "listen.proxied_from",
        "store.url",
        "routing.script",
        "http.listen",
        "http.token_file",
    }
)
"""Settings that the chart makes of its other values, and refuses among ``settings``."""


def renewed(text: str) -> str:
    """The schema in ``text`` with the settings as they are now."""
    document: dict[str, Any] = json.loads(text)
    document["properties"]["settings"] = schema(without=OF_THE_CHART)
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(renewed(FILE.read_text(encoding="utf-8")), encoding="utf-8")
