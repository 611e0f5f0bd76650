"""``regcluster node list``: the nodes at work on a store, by the leases of their workers.

It reaches the store directly, like the verbs about bindings, and needs no node to answer.
"""

from typing import TYPE_CHECKING

import click

from regcluster.control import output
from regcluster.control.options import Source, json_option, settings_options
from regcluster.control.reach import look

if TYPE_CHECKING:
    from regcluster.store.roster import NodeLease

HEADINGS = ("NODE", "STATE", "WORKERS", "LEASE", "ADDRESSES")


@click.group("node")
def node_group() -> None:
    """Look at the nodes of the cluster."""


@node_group.command("list")
@settings_options
@json_option
def list_nodes(source: Source, as_json: bool) -> None:
    """List the nodes that share the store.

    STATE is up; partly, if some of its workers do not renew their leases; or gone, until what such
    a node has left behind is cleared away.
    """
    from regcluster.store.roster import read_nodes

    found = look(source.load(), read_nodes)
    if as_json:
        click.echo(output.document({"nodes": [document(node) for node in found]}))
    elif found:
        click.echo(output.table(HEADINGS, [_row(node) for node in found]))
    else:
        click.echo("No node is at work on this store.")


def document(node: "NodeLease") -> dict[str, object]:
    """One node for machines; ``workers`` is how many it runs, ``leases`` how many of them live."""
    notice = node.notice
    return {
        "name": node.name,
        "state": state(node),
        "workers": notice.workers if notice else None,
        "leases": _leases(node),
        "addresses": list(notice.addresses) if notice else [],
        "lease_ms": node.lease_ms,
    }


def state(node: "NodeLease") -> str:
    """In a word."""
    leases = _leases(node)
    if not leases:
        return "gone"
    return "partly" if node.notice is None or leases < node.notice.workers else "up"


def _leases(node: "NodeLease") -> int:
    """How many of its workers are alive; one that was started again has the lease of before too."""
    return len({worker.number for worker in node.workers if worker.lease_ms})


def _row(node: "NodeLease") -> tuple[str, ...]:
    notice = node.notice
    return (
        node.name,
        state(node),
        f"{_leases(node)}/{notice.workers if notice else '?'}",
        f"{node.lease_ms / 1000:.1f} s",
        ", ".join(notice.addresses) if notice else "",
    )
