"""What the dashboard shows: a line a curve, in the rows that it has.

In an expression ``@`` stands for the nodes chosen at the top, and ``~`` for the span of a rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 8
"""Of a panel, in the grid's units."""


@dataclass(frozen=True)
class Panel:
    """One picture: ``curves`` are pairs of an expression and what to call it."""

    title: str
    unit: str
    curves: Sequence[tuple[str, str]]
    says: str
    kind: str = "timeseries"
    width: int = 8
    height: int = HEIGHT
    is_stacked: bool = False


def named(label: str) -> str:
    """A curve is called by what it has of ``label``."""
    return "{{" + label + "}}"


def quantiles(name: str, by: str = "") -> list[tuple[str, str]]:
    """The middle, and how long the slowest hundredth takes; ``by`` one more label."""
    labels, legend = (f"le, {by}", f"{named(by)} ") if by else ("le", "")
    return [
        (f"histogram_quantile({q}, sum by ({labels}) (rate({name}_bucket{{@}}~)))", f"{legend}{p}")
        for q, p in ((0.5, "p50"), (0.99, "p99"))
    ]


def rates(name: str, by: str, legend: str = "") -> list[tuple[str, str]]:
    """Events a second, a curve for each value of ``by``."""
    return [(f"sum by ({by}) (rate({name}{{@}}~))", legend or named(by))]


def stat(title: str, unit: str, expression: str, says: str) -> Panel:
    """One figure, large."""
    return Panel(title, unit, [(expression, "")], says, "stat", 3, 4)


OVERVIEW = [
    stat("Nodes ready", "short", "sum(regcluster_ready{@})", "Those that should get traffic."),
    stat("Nodes draining", "short", "sum(regcluster_draining{@})", "Those that are about to end."),
    stat(
        "Bindings",
        "short",
        "sum(max by (table) (regcluster_bindings{@}))",
        "In the store, of all nodes and tables.",
    ),
    stat(
        "AORs",
        "short",
        "sum(max by (table) (regcluster_aors{@}))",
        "Users with at least one binding; past a thousand bindings an estimate.",
    ),
    stat(
        "REGISTERs",
        "reqps",
        "sum(rate(regcluster_registrations_total{@}~))",
        "Whatever became of them.",
    ),
    stat("Lookups", "reqps", "sum(rate(regcluster_lookups_total{@}~))", "Found or not."),
    stat(
        "5xx",
        "percentunit",
        # Without any there is no series of theirs.
        '(sum(rate(regcluster_sip_responses_total{@, status=~"5.."}~)) or vector(0))'
        " / sum(rate(regcluster_sip_requests_total{@}~))",
        "Share of requests that were told to try again, or met an error.",
    ),
    stat(
        "Store answers",
        "percentunit",
        "sum(regcluster_store_up{@}) / sum(regcluster_workers{@})",
        "Share of workers whose store answered the last time it was asked.",
    ),
]

SIP = [
    Panel(
        "Requests",
        "reqps",
        rates("regcluster_sip_requests_total", "method, transport", "{{method}} {{transport}}"),
        "What arrives, by method and transport.",
        is_stacked=True,
    ),
    Panel(
        "Responses",
        "reqps",
        rates("regcluster_sip_responses_total", "status"),
        "Those of our own. 503: too much to do, or no answer from the store.",
        is_stacked=True,
    ),
    Panel(
        "From read to answered",
        "s",
        quantiles("regcluster_sip_request_duration_seconds", "method"),
        "Most of it is the way to the store and back.",
    ),
    Panel(
        "In flight",
        "short",
        [
            ("sum by (instance) (regcluster_sip_in_flight{@})", "{{instance}}"),
            ("min(regcluster_sip_in_flight_limit{@})", "limit of a node"),
        ],
        "Requests being worked on; past the limit they are refused.",
    ),
    Panel(
        "Without an answer",
        "ops",
        rates("regcluster_sip_drops_total", "reason"),
        "overflow: datagrams came faster than they were read. ack is usual.",
    ),
    Panel(
        "Shed and failed",
        "ops",
        [
            ("sum(rate(regcluster_sip_shed_total{@}~))", "shed"),
            ("sum(rate(regcluster_sip_failures_total{@}~))", "failed"),
        ],
        "Refused because too many were in flight; ended in an error that nobody foresaw.",
    ),
    Panel(
        "Sent on",
        "ops",
        rates("regcluster_sip_forwarded_total", "kind, transport", "{{kind}} {{transport}}"),
        "Messages forwarded for others.",
    ),
    Panel(
        "Keep-alives",
        "ops",
        rates("regcluster_sip_keepalives_total", "transport"),
        "What phones send to keep their way open.",
    ),
]

REGISTRAR = [
    Panel(
        "REGISTERs by outcome",
        "reqps",
        rates("regcluster_registrations_total", "outcome"),
        "failed: the store did not say.",
        is_stacked=True,
    ),
    Panel(
        "Rejected",
        "reqps",
        rates("regcluster_registrations_rejected_total", "reason"),
        "Why a REGISTER was not taken.",
    ),
    Panel(
        "Lookups by outcome",
        "reqps",
        rates("regcluster_lookups_total", "outcome"),
        "empty: a call for somebody who is not registered.",
    ),
    Panel(
        "Bindings and AORs",
        "short",
        [
            ("max by (table) (regcluster_bindings{@})", "{{table}} bindings"),
            ("max by (table) (regcluster_aors{@})", "{{table}} AORs"),
        ],
        "The whole store, as each node counts it four times a minute.",
    ),
    Panel(
        "Bindings removed",
        "ops",
        rates("regcluster_bindings_removed_total", "reason"),
        "expired: not refreshed in time. owner: who held the connection is gone.",
    ),
    Panel(
        "Removal of what is overdue",
        "s",
        quantiles("regcluster_expiry_lag_seconds"),
        "How late it is removed. No call goes there in the meantime.",
    ),
    Panel(
        "event_callback",
        "ops",
        rates("regcluster_event_callbacks_total", "outcome"),
        "Expiries told to the route script.",
    ),
    Panel(
        "event_callback: from expiry to call",
        "s",
        quantiles("regcluster_feed_lag_seconds"),
        "How late the route script is told.",
    ),
]

STORE = [
    Panel(
        "Time of a call",
        "s",
        quantiles("regcluster_store_call_duration_seconds", "operation"),
        "From a call made to its answer.",
    ),
    Panel(
        "Errors",
        "ops",
        rates("regcluster_store_errors_total", "kind"),
        "timeout: after store.deadline_ms. refused: the server said no.",
    ),
    Panel(
        "Commands",
        "ops",
        rates("regcluster_store_commands_total", "instance"),
        "Those of REGISTERs and lookups, and of what nodes do by themselves.",
    ),
    Panel(
        "Commands that leave together",
        "short",
        [
            (
                "sum by (instance) (rate(regcluster_store_commands_total{@}~))"
                " / sum by (instance) (rate(regcluster_store_writes_total{@}~))",
                "{{instance}}",
            )
        ],
        "A write carries all that one turn of a worker asks for: more under load.",
    ),
    Panel(
        "Connections lost, primaries changed, scripts lost",
        "short",
        [
            ("sum(increase(regcluster_store_reconnects_total{@}~))", "connections lost"),
            ("sum(increase(regcluster_store_failovers_total{@}~))", "failovers"),
            ("sum(increase(regcluster_store_script_loads_total{@}~))", "scripts lost"),
            ("sum(increase(regcluster_embedded_restarts_total{@}~))", "embedded store restarted"),
        ],
        "Each worker counts for itself.",
    ),
]

NODES = [
    Panel(
        "CPU of each worker",
        "percentunit",
        [
            (
                "rate(regcluster_worker_cpu_seconds_total{@}~)",
                "{{instance}} worker {{worker}}",
            )
        ],
        "One worker uses one CPU at most. Curves that lie apart: the traffic is spread badly.",
    ),
    Panel(
        "Memory of each worker",
        "bytes",
        [("regcluster_worker_resident_bytes{@}", "{{instance}} worker {{worker}}")],
        "Mostly connections.",
    ),
    Panel(
        "Lateness of workers",
        "s",
        quantiles("regcluster_loop_lag_seconds", "instance"),
        "The first to tell of too much to do, and of a route script that blocks.",
    ),
    Panel(
        "Connections",
        "short",
        [
            ("regcluster_connections{@}", "{{instance}}"),
            ("min(regcluster_connections_limit{@})", "limit of a node"),
        ],
        "Stream connections open.",
    ),
    Panel(
        "Connections opened and ended by us",
        "ops",
        [
            ("sum(rate(regcluster_connections_opened_total{@}~))", "opened"),
            *rates("regcluster_connections_closed_total", "reason"),
        ],
        "Those that peers end are not among the ended.",
    ),
    Panel(
        "Workers started again",
        "short",
        [
            (
                "sum by (instance, reason) (increase(regcluster_worker_restarts_total{@}~))",
                "{{instance}} {{reason}}",
            )
        ],
        "died or stuck.",
    ),
    Panel(
        "Up since",
        "dateTimeAsIso",
        [("regcluster_start_time_seconds{@} * 1000", "{{instance}}")],
        "When each node was started.",
        "stat",
    ),
    Panel(
        "Versions",
        "short",
        [("count by (version) (regcluster_build_info{@})", "{{version}}")],
        "Nodes by version; two during an upgrade.",
        "stat",
    ),
]

ROWS = {
    "Overview": OVERVIEW,
    "SIP": SIP,
    "Registrar": REGISTRAR,
    "Store": STORE,
    "Nodes": NODES,
}
