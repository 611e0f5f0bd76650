"""How many nodes and shards so many users need: arithmetic over measured costs.

What a request costs a node is taken not to depend on how many nodes there are, for they share
nothing, and a shard sees only its own partitions; ``scaling`` tells how far that holds on one
machine. So the demand is divided by what one of them can do. What is assumed beyond that stands in
``Assumptions``, each with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil

from benchmarks.report import Cell, Report, Row

GB = 2**30

SIZES = (10**6, 10**7, 10**8)

THIRD_BUSY = "1 worker, a third busy"
"""The setting of ``scaling`` that nodes are counted by: flat out a request costs less."""

UNREPLICATED = "2 nodes, 1 server"
REPLICATED = "2 nodes, 1 shard, replicated"
"""Two settings that differ in the replica that a primary has to tell, and in nothing else."""

BINDING = "Redis 8.2, hash-max-listpack-value 64"
"""The setting of ``memory`` that servers are counted by: as it comes."""


@dataclass(slots=True, frozen=True)
class Costs:
    """What was measured, µs of CPU and bytes."""

    register_node: float
    """Of the worker and its supervisor."""
    register_store: float
    """Of a primary, which has a replica to tell."""
    lookup_node: float
    lookup_store: float
    binding_bytes: float


@dataclass(slots=True, frozen=True)
class Assumptions:
    """What the demand is, and how full anything may be."""

    refresh_s: float = 1800.0
    """A phone registers every half hour."""
    lookups_per_hour: float = 2.0
    """A phone is called twice in the busy hour."""
    workers: int = 8
    """Of one node, a core each."""
    busy: float = 0.6
    """How busy a worker or a primary may be on an ordinary day: above that answers take longer."""
    flat_out: float = 0.9
    """The same after an outage, when everybody waits anyway."""
    recovery_s: float = 300.0
    """Within which everybody is registered again after a full outage."""
    shard_gb: float = 16.0
    """Memory of a primary: more takes long to copy to a new replica."""
    growth: float = 1.5
    """Memory that a server holds over what its data take: fragments, and copies on write."""
    spare_nodes: int = 1
    """Nodes that may be away on an ordinary day, for an upgrade or for good."""
    outage_spare_nodes: int = 0
    """The same after an outage, when all that can be started is there."""
    outage_registers: float = 1.0
    """REGISTERs that a node has to take of each phone after an outage."""


@dataclass(slots=True, frozen=True)
class Need:
    """What so many users need."""

    users: int
    registers_per_s: float
    nodes: int
    shards: int
    shards_for: str
    """What decides about their number: CPU or memory."""
    memory_gb: float
    """Of all primaries together; replicas need as much again."""
    outage_registers_per_s: float
    outage_nodes: int
    outage_shards: int


def need(users: int, costs: Costs, given: Assumptions) -> Need:
    """Nodes and primaries for ``users``, on an ordinary day and after a full outage."""
    registers = users / given.refresh_s
    lookups = users * given.lookups_per_hour / 3600
    node_cores = (registers * costs.register_node + lookups * costs.lookup_node) / 1e6
    store_cores = (registers * costs.register_store + lookups * costs.lookup_store) / 1e6
    memory_gb = users * costs.binding_bytes * given.growth / GB
    by_cpu, by_memory = ceil(store_cores / given.busy), ceil(memory_gb / given.shard_gb)
    again = users * given.outage_registers / given.recovery_s
    again_nodes = again * costs.register_node / 1e6 / given.flat_out / given.workers
    again_shards = again * costs.register_store / 1e6 / given.flat_out
    return Need(
        users=users,
        registers_per_s=registers,
        nodes=ceil(node_cores / given.busy / given.workers) + given.spare_nodes,
        shards=max(by_cpu, by_memory, 1),
        shards_for="memory" if by_memory > by_cpu else "CPU",
        memory_gb=memory_gb,
        outage_registers_per_s=again,
        outage_nodes=ceil(again_nodes) + given.outage_spare_nodes,
        outage_shards=max(ceil(again_shards), by_memory),
    )


def costs(scaling: Sequence[Row], memory: Sequence[Row]) -> Costs:
    """What the model takes of two reports.

    All is of a worker that is a third busy, and of its store, which is less so: a large cluster has
    so many workers that each sends little at a time to each primary. What a replica adds to it is
    the ratio of two settings.
    """
    sizes = [_number(row["bytes_each"]) for row in memory if row["name"] == BINDING]
    added = _cost(scaling, "REGISTER", "store", REPLICATED) / _cost(
        scaling, "REGISTER", "store", UNREPLICATED
    )
    return Costs(
        register_node=_cost(scaling, "REGISTER", "node"),
        register_store=_cost(scaling, "REGISTER", "store") * max(added, 1.0),
        lookup_node=_cost(scaling, "lookup", "node"),
        lookup_store=_cost(scaling, "lookup", "store"),
        binding_bytes=sizes[0],
    )


def tell(found: Mapping[str, Report]) -> Report:
    """The model's answers, out of what ``scaling`` and ``memory`` have found."""
    measured = costs(found["scaling"].rows, found["memory"].rows)
    needs = [need(users, measured, Assumptions()) for users in SIZES]
    return Report(
        name="capacity",
        title="Nodes and shards that many users need",
        unit="",
        rows=[asdict(one) for one in needs],
        text=_table(needs, measured),
    )


def _cost(rows: Sequence[Row], kind: str, part: str, name: str = THIRD_BUSY) -> float:
    """What a kind of request costs a part in one setting."""
    wanted = (name, kind, part)
    return next(
        _number(row["us"]) for row in rows if (row["name"], row["kind"], row["part"]) == wanted
    )


def _number(cell: Cell) -> float:
    assert isinstance(cell, int | float)
    return cell


def _table(needs: Sequence[Need], measured: Costs) -> str:
    lines = [
        f"REGISTER: {measured.register_node:.0f} µs of a node, {measured.register_store:.0f} of a "
        f"shard; lookup: {measured.lookup_node:.0f} and {measured.lookup_store:.0f}; "
        f"{measured.binding_bytes:.0f} bytes a binding.",
        "",
        f"{'':11} {'an ordinary day':^44} {'after an outage':^28}",
        f"{'users':>11} {'REGISTER/s':>11}{'nodes':>7}{'shards':>8}{'for':>8}{'GB':>8}  "
        f"{'REGISTER/s':>12}{'nodes':>7}{'shards':>8}",
    ]
    lines += [
        f"{it.users:11,} {it.registers_per_s:11,.0f}{it.nodes:7}{it.shards:8}{it.shards_for:>8}"
        f"{it.memory_gb:8.1f}  {it.outage_registers_per_s:12,.0f}{it.outage_nodes:7}"
        f"{it.outage_shards:8}"
        for it in needs
    ]
    return "\n".join(lines)
