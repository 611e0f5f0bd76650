"""What a node counts: names, bounded labels, and counters that outlive a worker."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

import regcluster
from regcluster import metrics
from regcluster.control.gauges import NodeGauges
from regcluster.edge import stream
from regcluster.sip.message import METHODS
from tests.deploy.promql import exported

COLLECTORS = {
    name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)
}


def described(name: str) -> Metric:
    """One collector as it is exposed."""
    (family,) = COLLECTORS[name].describe()
    return family


def value(name: str, **labels: str) -> float:
    """What one collector holds now under ``labels``."""
    samples = [sample for family in COLLECTORS[name].collect() for sample in family.samples]
    return sum(s.value for s in samples if s.labels == labels and not s.name.endswith("_created"))


def test_every_method_there_is_has_a_label() -> None:
    """And no other word of a peer's."""
    assert METHODS == metrics.METHODS


def test_every_end_of_a_connection_has_a_label() -> None:
    """The words are said in a room above, which cannot be asked."""
    assert sorted(stream.CLOSINGS) == sorted(metrics.CLOSINGS)


def test_every_refusal_has_a_label() -> None:
    """By its status, whichever rule of the registrar says no before the store is asked."""
    rules = Path(regcluster.__file__).parent / "registrar"
    texts = [file.read_text() for file in rules.glob("*.py") if file.name != "answer.py"]
    statuses = re.findall(r"Refusal\(\s*(\d{3})", "\n".join(texts))

    assert {int(status) for status in statuses} == set(metrics.REFUSED)


@pytest.mark.parametrize("name", COLLECTORS)
def test_names_are_as_prometheus_wants_them(name: str) -> None:
    """Ours by the prefix; seconds where there is time; a counter's ending is the library's work."""
    family = described(name)

    assert re.fullmatch(r"regcluster(_[a-z]+)+", family.name)
    assert ("_seconds" in family.name) == (family.type == "histogram")
    assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_figure_is_explained(name: str) -> None:
    """In a sentence, for whoever meets it in a dashboard."""
    assert re.fullmatch(r"[A-Z].+\.", described(name).documentation)


@cache
def sources() -> tuple[str, str]:
    """The text of ``metrics``, and that of all other modules."""
    package = Path(regcluster.__file__).parent
    # By name, for the module may be a compiled one.
    others = [f for f in package.rglob("*.py") if f.name != "metrics.py"]
    used = "\n".join(file.read_text() for file in others)
    return (package / "metrics.py").read_text(), used


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_collector_is_fed(name: str) -> None:
    """A figure that nobody counts says 0 where the truth is not known."""
    source, used = sources()
    # Set directly, or through a function here that mentions it or its bound children.
    children = [name, *re.findall(rf"^(\w+)(?:: Final)? = .*\b{name}\b", source, re.MULTILINE)]
    feeders = [
        function
        for function, body in re.findall(r"^def (\w+)\((.*?)(?=^def |\Z)", source, re.M | re.S)
        if any(re.search(rf"\b{child}\b", body) for child in children)
    ]

    assert any(f"metrics.{feeder}" in used for feeder in [*children, *feeders])


def test_every_figure_stands_in_the_reference() -> None:
    """By the name it is exposed under, with every label it has."""
    pages = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(regcluster_\w+)` \| (.*)$", pages, re.MULTILINE))
    registry = CollectorRegistry()
    registry.register(NodeGauges("0", 0.0))
    families = [*registry.collect(), *(described(name) for name in COLLECTORS)]
    exposed = {f.name + ("_total" if f.type == "counter" else ""): f.type for f in families}
    labels = {described(name).name: COLLECTORS[name]._labelnames for name in COLLECTORS}

    assert exposed == {name: row.split(" |")[0] for name, row in rows.items()}
    for name, row in rows.items():
        for label in labels.get(name.removesuffix("_total"), ()):
            assert f"`{label}`" in row


def test_the_page_asks_for_no_figure_that_is_not_there() -> None:
    """Not in what it tells those who come from elsewhere either."""
    page = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text()

    there = {name.removesuffix("_bucket") for name in exported()}

    assert set() == set(re.findall(r"\bregcluster_\w+", page)) - there


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_word_that_a_label_may_be_is_explained(name: str) -> None:
    """Those that are known beforehand, somewhere in the section that has the figure."""
    sections = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text().split("\n## ")
    (section,) = [each for each in sections if f"\n| `{described(name).name}" in each]
    series = COLLECTORS[name].collect()
    words = {label for f in series for sample in f.samples for label in sample.labels.values()}
    known = {*metrics.DROPPED, *metrics.CLOSINGS, *metrics.OUTCOMES, *metrics.REJECTED}
    known |= {*metrics.STORE_CALLS, *metrics.STORE_FAULTS, "found", "expired", "owner", "done"}

    assert [] == [word for word in words & known if f"`{word}`" not in section]


@pytest.mark.server
def test_what_has_not_happened_yet_is_zero() -> None:
    """A series that begins with its first event hides that event from a rate."""
    program = (
        "from prometheus_client import generate_latest\n"
        "from regcluster import metrics\n"
        "print(generate_latest().decode())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    series = Counter(re.findall(r"^(\w+_total)\{.*\} 0\.0$", done.stdout.decode(), re.MULTILINE))

    assert {
        "regcluster_sip_drops_total": len(metrics.DROPPED),
        "regcluster_connections_closed_total": len(metrics.CLOSINGS),
        "regcluster_registrations_total": len(metrics.OUTCOMES),
        "regcluster_registrations_rejected_total": len(metrics.REJECTED),
        "regcluster_lookups_total": 2,
        "regcluster_store_errors_total": len(metrics.STORE_FAULTS),
        "regcluster_bindings_removed_total": 2,
        "regcluster_event_callbacks_total": 3,
    } == {name: count for name, count in series.items() if name.startswith("regcluster")}


def test_a_method_nobody_knows_is_no_label() -> None:
    """A peer that makes up methods must not make up time series."""
    before = value("REQUESTS", method="other", transport="UDP")
    metrics.count_request("XYZZY", "UDP")
    metrics.count_request("xyzzy2", "UDP")

    assert before + 2 == value("REQUESTS", method="other", transport="UDP")


@pytest.mark.parametrize(
    ("count", "name", "labels"),
    [
        (lambda: metrics.count_request("INVITE", "TCP"), "REQUESTS", "INVITE TCP"),
        (lambda: metrics.count_response("INVITE", "TCP", 302), "RESPONSES", "INVITE TCP 302"),
        (lambda: metrics.count_response("XYZZY", "UDP", 405), "RESPONSES", "other UDP 405"),
        (lambda: metrics.count_forwarded("request", "UDP"), "FORWARDED", "request UDP"),
        (lambda: metrics.drop("malformed"), "DROPS", "malformed"),
        (lambda: metrics.count_overflow(1), "DROPS", "overflow"),
        (lambda: metrics.count_keepalive("TCP"), "KEEPALIVES", "TCP"),
        (lambda: metrics.count_closed("idle"), "CLOSED", "idle"),
        (lambda: metrics.count_shed(), "SHED", ""),
        (lambda: metrics.count_failure(), "FAILURES", ""),
        (lambda: metrics.count_registration("added"), "REGISTRATIONS", "added"),
        (lambda: metrics.count_refusal(423), "REGISTRATIONS", "rejected"),
        (lambda: metrics.count_refusal(423), "REJECTIONS", "too_brief"),
        (lambda: metrics.count_refusal(416), "REJECTIONS", "malformed"),
        (lambda: metrics.count_rejection("too_many"), "REJECTIONS", "too_many"),
        (lambda: metrics.count_lookup("empty"), "LOOKUPS", "empty"),
        (lambda: metrics.count_store_error("timeout"), "STORE_ERRORS", "timeout"),
        (lambda: metrics.count_store_reconnect(), "STORE_RECONNECTS", ""),
        (lambda: metrics.count_failovers(1), "STORE_FAILOVERS", ""),
        (lambda: metrics.count_script_load(), "STORE_SCRIPT_LOADS", ""),
    ],
)
def test_one_event_is_one_more(count: Callable[[], None], name: str, labels: str) -> None:
    """Under the labels it belongs to; Kamailio's users look for methods and status codes."""
    named = dict(zip(COLLECTORS[name]._labelnames, labels.split(), strict=True))
    before = value(name, **named)
    count()
    count()

    assert before + 2 == value(name, **named)


@pytest.mark.parametrize(
    ("method", "known"), [("REGISTER", "REGISTER"), ("INVITE", "INVITE"), ("ODD", "other")]
)
def test_a_duration_falls_into_its_bucket(method: str, known: str) -> None:
    """Whichever method it is of, and whatever a peer calls its own."""
    metrics.observe_request(method, 9.0)
    before = buckets("REQUEST_SECONDS", method=known)
    metrics.observe_request(method, 0.003)

    assert {"0.001": 0, "0.0025": 0, "0.005": 1, "0.01": 1, "2.5": 1, "+Inf": 1} == {
        le: count - before[le]
        for le, count in buckets("REQUEST_SECONDS", method=known).items()
        if le in ("0.001", "0.0025", "0.005", "0.01", "2.5", "+Inf")
    }


@pytest.mark.parametrize("operation", ["save", "fetch", "drop"])
def test_each_store_call_has_a_histogram(operation: str) -> None:
    """A slow save must not hide among quick fetches."""
    before = buckets("STORE_SECONDS", operation=operation)
    metrics.observe_store(operation, 9.0)
    after = buckets("STORE_SECONDS", operation=operation)

    assert ["+Inf"] == [le for le in after if after[le] > before[le]]


def buckets(name: str, **labels: str) -> dict[str, float]:
    """What a histogram has counted, by upper bound."""
    return {
        sample.labels["le"]: sample.value
        for family in COLLECTORS[name].collect()
        for sample in family.samples
        if sample.name.endswith("_bucket") and labels.items() <= sample.labels.items()
    }


def work(folder: Path, place: str, requests: int) -> None:
    """Be a worker in ``place`` that counts so many requests, has one in flight, and dies."""
    program = (
        "import os\n"
        "from regcluster import metrics\n"
        f"for _ in range({requests}):\n"
        "    metrics.count_request('REGISTER', 'UDP')\n"
        "metrics.IN_FLIGHT.set(1)\n"
        "os._exit(9)\n"
    )
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "REGCLUSTER_WORKER": place}
    subprocess.run([sys.executable, "-c", program], env=os.environ | environ, check=False)


def added_up(folder: Path) -> dict[str, float]:
    """What all workers together have counted."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return {
        sample.name: sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name in ("regcluster_sip_requests_total", "regcluster_sip_in_flight")
    }


@pytest.mark.server
def test_counters_of_all_workers_add_up_over_restarts(tmp_path: Path) -> None:
    """A new worker counts on where the one in its place stopped, and no file is left behind."""
    work(tmp_path, "0", 3)
    work(tmp_path, "1", 4)
    before, files = added_up(tmp_path), sorted(tmp_path.iterdir())
    mark_process_dead("0", str(tmp_path))  # type: ignore[no-untyped-call]
    between = added_up(tmp_path)
    work(tmp_path, "0", 5)

    assert {"regcluster_sip_requests_total": 7, "regcluster_sip_in_flight": 2} == before
    assert {"regcluster_sip_requests_total": 7, "regcluster_sip_in_flight": 1} == between
    assert {"regcluster_sip_requests_total": 12, "regcluster_sip_in_flight": 2} == added_up(
        tmp_path
    )
    assert files == sorted(tmp_path.iterdir())
