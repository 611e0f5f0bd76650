"""``export`` and ``import`` of its lines, on a real server: nothing is lost on the way."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regcluster.config import LocationSettings, StoreSettings
from regcluster.control.exported import END, alias_of
from regcluster.registrar.binding import Binding, flow_key
from regcluster.store import RedisStore
from regcluster.store.codec import encode
from regcluster.store.keys import Keys, bytes_text
from tests.control.command import ALICE, DESK, Held, binding, hold, holding, on_store, run

pytestmark = pytest.mark.server

NOW = int(time.time() * 1000)
DEVICE = "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
TABLES = ["--set", "location.tables=location,abroad"]

FULL = binding(
    NOW,
    "sip:alice@192.0.2.2;transport=tcp",
    key=flow_key(DEVICE, 2),
    q=500,
    params=";x=\udcff",
    user_agent="caf\udce9 \u00e9",
    ruid="uloc-1-2",
    socket="tcp:192.0.2.9:5060",
    methods=5,
    received="sip:198.51.100.1:5060",
    cflags=3,
    instance=DEVICE,
    reg_id=2,
    connection="edge-1/0.0a1b2c3d.7",
    xavp={"name": "caf\udce9", "n": -1},
)
HELD: Held = {
    ("location", ALICE): [FULL, binding(NOW, path="<sip:p.test;lr>,<sip:q.test;lr>")],
    ("location", "\udcff@example.com"): [binding(NOW)],
    ("abroad", ALICE): [binding(NOW, user_agent="Phone/2")],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a store of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGCLUSTER_STORE__URL", server_url)
    return tmp_path


def many(number: int) -> Held:
    """One binding for each of so many AORs."""
    return {("location", f"u{each}@example.com"): [binding(NOW)] for each in range(number)}


def test_another_number_of_partitions_is_reached_by_export_and_import(server_url: str) -> None:
    """From 256 to 64, as docs/operating.md has it: octets, tables, flows and lifetimes too."""
    before = {**many(300), **HELD}
    on_store(server_url, lambda store: hold(store, before))
    refused = run("stats", "--set", "store.partitions=64")
    new = [*TABLES, "--set", "store.prefix=rc64", "--set", "store.partitions=64"]

    exported = run("export", "--output", "all.jsonl", "--json", *TABLES)
    imported = run("import", "all.jsonl", "--json", *new)

    assert (3, 0, 0) == (refused.exit_code, exported.exit_code, imported.exit_code)
    assert {"aors": 303, "bindings": 304} == json.loads(exported.stdout)
    assert 304 == json.loads(imported.stdout)["added"]
    tables = ("location", "abroad")
    assert before == on_store(server_url, lambda store: holding(store, tables), "rc64", 64)
    assert before == on_store(server_url, lambda store: holding(store, tables))
    assert 304 == json.loads(run("stats", "--json", *new).stdout)["bindings"]


def test_what_is_put_back_is_found_as_before(server_url: str) -> None:
    """Values, index, expiries and flows are the same octets under another prefix."""
    on_store(server_url, lambda store: _save_flow(store))
    run("export", "-o", "all.jsonl")

    run("import", "all.jsonl", "--set", "store.prefix=new")

    with redis.Redis.from_url(server_url) as client:
        names = [name for name in client.keys("rc:{*") if name[-2:] != b":e"]
        others = {name: name.replace(b"rc:", b"new:", 1) for name in names}
        assert 3 == len(names)
        assert {name: _content(client, name) for name in names} == {
            name: _content(client, other) for name, other in others.items()
        }


async def _save_flow(store: RedisStore) -> None:
    await store.restore(ALICE, FULL, alias_of(FULL, LocationSettings()))


def _content(client: "redis.Redis", name: bytes) -> object:
    if client.type(name) == b"hash":
        return client.hgetall(name), client.pexpiretime(bytes_text(name))
    scores = client.zrange(name, 0, -1, withscores=True)
    return scores, client.pexpiretime(bytes_text(name))


def test_importing_twice_changes_nothing(server_url: str) -> None:
    """Whoever was interrupted does it again."""
    on_store(server_url, lambda store: hold(store, HELD))
    run("export", "-o", "all.jsonl", *TABLES)
    first = json.loads(run("import", "all.jsonl", "--json", *TABLES).stdout)

    second = json.loads(run("import", "all.jsonl", "--json", *TABLES).stdout)

    assert (first, 4, 0) == (second, second["kept"], second["added"])
    assert HELD == on_store(server_url, lambda store: holding(store, ("location", "abroad")))


def test_standard_output_has_the_lines_and_standard_error_the_count(server_url: str) -> None:
    """So that it can be piped, and read from a pipe."""
    on_store(server_url, lambda store: hold(store, {("location", ALICE): [binding(NOW)]}))

    exported = run("export")
    imported = run("import", "-", "--set", "store.prefix=new", given=exported.stdout_bytes)

    kinds = [list(json.loads(line)) for line in exported.stdout.splitlines()]
    assert ["regcluster", "table", "regcluster"] == [first for first, *_ in kinds]
    assert "aors      1\nbindings  1\n" == exported.stderr
    assert (0, True) == (imported.exit_code, imported.stdout.startswith("added      1\n"))


def test_one_table_can_be_exported_and_put_into_another(server_url: str) -> None:
    """Whatever table a line names."""
    on_store(server_url, lambda store: hold(store, HELD))
    run("export", "-o", "one.jsonl", "--table", "abroad", *TABLES)

    run("import", "one.jsonl", "--table", "location", "--set", "store.prefix=new")

    new = on_store(server_url, holding, "new")
    assert {("location", ALICE): HELD["abroad", ALICE]} == new


@pytest.mark.parametrize("cut", [0, 10, 200, 1000, 2500, 5000, -30, -1])
def test_an_export_cut_short_is_gone_on_with(server_url: str, folder: Path, cut: int) -> None:
    """Behind its last whole line, wherever it was cut; what comes of it is the same."""
    on_store(server_url, lambda store: hold(store, {**many(20), **HELD}))
    run("export", "-o", "whole.jsonl", *TABLES)
    whole = (folder / "whole.jsonl").read_bytes()
    (folder / "part.jsonl").write_bytes(whole[:cut])

    resumed = run("export", "-o", "part.jsonl", "--resume", *TABLES)

    assert 0 == resumed.exit_code
    # The header says when; it is written again only where it was cut itself.
    assert whole.splitlines()[1:] == (folder / "part.jsonl").read_bytes().splitlines()[1:]


def test_nothing_of_a_line_cut_short_stays(server_url: str, folder: Path) -> None:
    """However long it is: its AOR may be gone by now."""
    on_store(server_url, lambda store: hold(store, HELD))
    run("export", "-o", "whole.jsonl")
    whole = (folder / "whole.jsonl").read_bytes()
    (folder / "part.jsonl").write_bytes(whole.removesuffix(END.encode()) + b"{" * 200_000)

    run("export", "-o", "part.jsonl", "--resume")

    assert whole == (folder / "part.jsonl").read_bytes()


def test_a_complete_export_is_left_alone(server_url: str, folder: Path) -> None:
    """--resume may be said always, in the first run too."""
    on_store(server_url, lambda store: hold(store, HELD))
    first = run("export", "-o", "all.jsonl", "--resume")
    before = (folder / "all.jsonl").read_bytes()

    second = run("export", "-o", "all.jsonl", "--resume")

    assert (0, 0, "all.jsonl is complete\n") == (first.exit_code, second.exit_code, second.stderr)
    assert before == (folder / "all.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "all.jsonl is there already; --resume goes on with it, --force writes over it"),
        (
            ["--resume", "--set", "store.prefix=new"],
            "all.jsonl: cannot be gone on with: "
            "it is of prefix rc, 256 partitions, tables location",
        ),
        (
            ["--resume", "-o", "other.txt"],
            "other.txt: cannot be gone on with: no JSON",
        ),
        (["-o", "no/where"], "no/where: cannot be written: No such file or directory"),
    ],
)
def test_files_that_cannot_be_written_are_told(
    folder: Path, options: list[str], sentence: str
) -> None:
    """In a sentence, with exit code 2, and they stay as they are."""
    run("export", "-o", "all.jsonl")
    (folder / "other.txt").write_text("mine\nand more\n")
    before = {name: name.read_bytes() for name in folder.iterdir()}

    result = run("export", "-o", "all.jsonl", *options)

    assert (2, f"regcluster: {sentence}\n") == (result.exit_code, result.stderr)
    assert before == {name: name.read_bytes() for name in folder.iterdir()}


def test_force_writes_over_a_file(folder: Path) -> None:
    """Only then."""
    (folder / "all.jsonl").write_text("old\n" * 100)

    result = run("export", "-o", "all.jsonl", "--force")

    assert (0, 2) == (result.exit_code, len((folder / "all.jsonl").read_text().splitlines()))


@pytest.mark.parametrize("options", [["--force"], ["--resume"], ["-o", "f", "--force", "--resume"]])
def test_options_that_mean_nothing_are_wrong_usage(options: list[str]) -> None:
    """Nothing is written."""
    result = run("export", *options)

    assert (2, "") == (result.exit_code, result.stdout)


MANY = 30_000
FEW = ["--set", "store.partitions=4"]

MEASURED = """
import sys
from regcluster.control.cli import main
main(sys.argv[1:], standalone_mode=False)
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


def memory_of(*arguments: str) -> tuple[int, int]:
    """How many lines a process of its own writes, and how many KiB it takes at most."""
    command = [sys.executable, "-c", MEASURED, *arguments, *FEW]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout.count(b"\n"), int(done.stderr.split()[-1])


FILL = """
for i = 4, #ARGV do
  redis.call('HSET', ARGV[1] .. ARGV[i], ARGV[2], ARGV[3])
  redis.call('ZADD', KEYS[1], string.sub(ARGV[3], 2, 14), ARGV[i] .. '\\n' .. ARGV[2])
end
"""


def fill(url: str) -> None:
    """Bind so many AORs, more in each partition than a scan holds."""
    value, keys = encode(binding(NOW)), Keys(StoreSettings(partitions=4))
    shares: dict[bytes, list[bytes]] = {}
    for number in range(MANY):
        aor = b"u%d@example.com" % number
        shares.setdefault(keys.of(aor)[1], []).append(aor)
    with redis.Redis.from_url(url) as client:
        for index, aors in shares.items():
            client.eval(FILL, 1, index, index[:-1] + b"b:", DESK, value, *aors)


def test_memory_does_not_grow_with_what_is_exported_or_listed(server_url: str) -> None:
    """The lines of 30,000 AORs would be 15 MB; all there is takes less than a third of that."""
    _, empty = memory_of("export")
    fill(server_url)

    exported = memory_of("export")
    listed = memory_of("aor", "list", "--limit", "0")

    assert [MANY + 2, MANY] == [exported[0], listed[0]]
    more = [memory - empty for _, memory in (exported, listed)]
    assert [True, True] == [kibibytes < 4096 for kibibytes in more], more


# Taken out before they are read: what stood around one could make a character together.
OCTETS = st.binary(max_size=6).map(lambda octets: bytes_text(octets.translate(None, b"\0\n\r")))


@st.composite
def bindings(draw: st.DrawFn) -> Binding:
    """A binding that a REGISTER could have made, made of any octets."""
    instance = draw(st.sampled_from(["", DEVICE, "<x\udcff>"]))
    reg_id = draw(st.integers(0, 5)) if instance else 0
    uri = draw(st.sampled_from([DESK, "sip:a@b;x=y", "tel:+1", "sips:%41@[::1]:5061"]))
    return Binding(
        key=flow_key(instance, reg_id) if instance else uri,
        uri=uri,
        q=draw(st.integers(-1, 1000)),
        params=draw(OCTETS),
        call_id=draw(OCTETS),
        cseq=draw(st.integers(0, 2**31 - 1)),
        user_agent=draw(OCTETS),
        ruid="uloc-1-1",
        expires_at=NOW + draw(st.integers(600_000, 10**9)),
        created_at=NOW - draw(st.integers(5000, 10**9)),
        modified_at=NOW - draw(st.integers(5000, 10**9)),
        socket=draw(OCTETS),
        methods=draw(st.integers(0, 2**32 - 1)),
        received=draw(OCTETS),
        path=draw(st.sampled_from(["", "<sip:p.test;lr>"])),
        cflags=draw(st.integers(0, 2**32 - 1)),
        instance=instance,
        reg_id=reg_id,
        connection=draw(OCTETS),
        xavp=draw(st.none() | st.dictionaries(OCTETS, OCTETS | st.integers(-3, 3), max_size=2)),
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        OCTETS.filter(bool).map("{}@example.com".format), bindings(), min_size=1, max_size=6
    )
)
def test_any_octets_come_through(server_url: str, folder: Path, chosen: dict[str, Binding]) -> None:
    """As they are in the AOR, the key and each field."""
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
    held: Held = {("location", aor): [each] for aor, each in chosen.items()}
    on_store(server_url, lambda store: hold(store, held))

    run("export", "-o", "all.jsonl", "--force")
    run("import", "all.jsonl", "--set", "store.prefix=new", "--set", "store.partitions=3")

    assert held == on_store(server_url, holding, "new", 3)
