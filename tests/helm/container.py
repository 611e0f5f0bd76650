"""A container of the chart's as the kubelet would start it, in a folder instead of an image.

Environment and files are those of the rendered objects: references are followed, ``$(NAME)`` is
replaced by earlier variables, and each mounted file is written below the folder. Where variables
and files name a path of the image, they name its place in the folder here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.helm.chart import Object, container, of_kind, pod

HOME = "/etc/regcluster"
"""Where the image has all that is mounted for us."""

FIELDS = {"metadata.name": "demo-regcluster-7d9c8-x2x4z", "status.hostIP": "192.0.2.7"}
"""What the cluster alone knows."""

Secrets = Mapping[str, Mapping[str, str]]
"""Texts by secret, and by key in it; ConfigMaps of somebody else's too."""


@dataclass(frozen=True)
class Started:
    """What a container is started with."""

    command: list[str]
    environ: dict[str, str]


def prepare(objects: list[Object], folder: Path, secrets: Secrets) -> Started:
    """Write the files of a node's container below ``folder``."""
    home = str(folder)
    environ = {name: value.replace(HOME, home) for name, value in _environ(objects, secrets)}
    for path, text in _files(objects, secrets):
        if path.startswith(HOME):
            place = folder / Path(path).relative_to(HOME)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text.replace(HOME, home))
    node = container(objects)
    return Started([*node["command"], *node["args"]], environ)


def _environ(objects: list[Object], secrets: Secrets) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for entry in container(objects)["env"]:
        source = entry.get("valueFrom", {})
        if "fieldRef" in source:
            value = FIELDS[source["fieldRef"]["fieldPath"]]
        elif "secretKeyRef" in source:
            value = secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
        else:
            value = re.sub(r"\$\((\w+)\)", lambda name: found[name[1]], entry["value"])
        found[entry["name"]] = value
    return list(found.items())


def _files(objects: list[Object], secrets: Secrets) -> list[tuple[str, str]]:
    """Each mounted file: its path and its text."""
    volumes = {volume["name"]: volume for volume in pod(objects)["spec"]["volumes"]}
    maps = {name: found["data"] for name, found in of_kind(objects, "ConfigMap").items()}
    found = []
    for mount in container(objects)["volumeMounts"]:
        volume = volumes[mount["name"]]
        source = volume.get("configMap") or volume.get("secret")
        if source is None:
            continue
        name = source.get("secretName") or source["name"]
        texts = maps[name] if name in maps else secrets[name]
        items = source.get("items") or [{"key": key, "path": key} for key in texts]
        found += [(f"{mount['mountPath']}/{i['path']}", texts[i["key"]]) for i in items]
    return found
