"""``KSR.pvx``: the XAVPs of the message, field by field."""

from regcluster.route.sync import current_call
from regcluster.route.values import Root, Value


def xavp_child_seti(root: str, field: str, value: int) -> int:
    """Give a field of the newest root an integer; the root is made if there is none."""
    current_call().xavp.newest(root).set(field, value)
    return 1


def xavp_child_sets(root: str, field: str, value: str) -> int:
    """Give a field of the newest root a string; the root is made if there is none."""
    current_call().xavp.newest(root).set(field, value)
    return 1


def xavp_child_get(root: str, field: str) -> Value | None:
    """The newest value of a field of the newest root; None if there is none."""
    found = current_call().xavp.root(root)
    return None if found is None else found.first(field)


def xavp_child_gete(root: str, field: str) -> Value:
    """Like ``xavp_child_get``, but an empty string if there is none."""
    value = xavp_child_get(root, field)
    return "" if value is None else value


def xavp_child_is_null(root: str, field: str) -> bool:
    """Whether the newest root has no such field."""
    return xavp_child_get(root, field) is None


def xavp_child_rm(root: str, field: str) -> int:
    """Forget a field of the newest root."""
    found = current_call().xavp.root(root)
    if found is not None:
        found.remove(field)
    return 1


def xavp_is_null(root: str) -> bool:
    """Whether there is no such root."""
    return current_call().xavp.root(root) is None


def xavp_rm(root: str) -> int:
    """Forget all roots of that name."""
    current_call().xavp.remove(root)
    return 1


def xavp_getd(root: str) -> list[dict[str, list[Value]]]:
    """All roots of that name, newest first: the values of each field, newest first."""
    return [_as_dict(found) for found in current_call().xavp.roots(root)]


def xavp_getd_p1(root: str, index: int) -> dict[str, list[Value]]:
    """One of these roots; empty if there is none."""
    found = current_call().xavp.root(root, index)
    return {} if found is None else _as_dict(found)


def _as_dict(root: Root) -> dict[str, list[Value]]:
    return {field: root.all(field) for field in root}


FUNCTIONS: dict[str, object] = {
    "xavp_child_get": xavp_child_get,
    "xavp_child_gete": xavp_child_gete,
    "xavp_child_is_null": xavp_child_is_null,
    "xavp_child_rm": xavp_child_rm,
    "xavp_child_seti": xavp_child_seti,
    "xavp_child_sets": xavp_child_sets,
    "xavp_getd": xavp_getd,
    "xavp_getd_p1": xavp_getd_p1,
    "xavp_is_null": xavp_is_null,
    "xavp_rm": xavp_rm,
}
