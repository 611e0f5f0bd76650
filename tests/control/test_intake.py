"""``import`` of bindings, on a real server: what a file is, what becomes of it, what is told."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
import redis

from regcluster.config import StoreSettings
from regcluster.control.exported import END, MAX_LINE, aor_line, header_line, header_of
from regcluster.control.intake import kind_of
from regcluster.control.restoring import MAX_TOLD
from tests.control.command import ALICE, DESK, binding, holding, on_store, run
from tests.control.test_kamailio_rows import DUMPED, ROW

pytestmark = pytest.mark.server

NOW = int(time.time() * 1000)
GOOD = aor_line("location", ALICE, [binding(NOW)])
COUNTS = ("added", "refreshed", "kept", "expired", "skipped", "bad")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a store of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGCLUSTER_STORE__URL", server_url)
    return tmp_path


def exported(*lines: str) -> str:
    """An export with these lines in the middle."""
    return "".join([header_line(header_of(StoreSettings(), 1, ["location"], NOW)), *lines, END])


def dump(*contacts: dict[str, object], aor: str = ALICE, table: str = "location") -> str:
    """What JSON-RPC tells of ``ul.dump``, indented as Kamailio does."""
    record = {"Info": {"AoR": aor, "HashID": 1, "Contacts": [{"Contact": it} for it in contacts]}}
    domain = {"Domain": table, "Size": 1024, "AoRs": [record]}
    answer = {"jsonrpc": "2.0", "result": {"Domains": [{"Domain": domain}]}, "id": 1}
    return json.dumps(answer, indent="\t")


def rows(*changes: dict[str, str]) -> str:
    """CSV with a row for each of ``changes``, quoted as databases do."""
    lines = [ROW, *[ROW | {"expires": str(NOW // 1000 + 600)} | change for change in changes]]
    cells = [list(lines[0]), *[list(line.values()) for line in lines[1:]]]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in line] for line in cells]
    return "\n".join([",".join(line) for line in quoted]) + "\n"


def counts(*arguments: str, given: str | None = None) -> tuple[int, dict[str, int]]:
    """The exit code of an import, and what it counts that is not 0."""
    result = run("import", "--json", *arguments, given=given)
    document = json.loads(result.stdout)
    return result.exit_code, {name: document[name] for name in COUNTS if document[name]}


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (exported().encode(), "export"),
        (GOOD.encode(), "export"),
        (dump().encode(), "ul.dump"),
        (b'\xef\xbb\xbf\n [{"AoR": "a@b"}]', "ul.dump"),
        (rows().encode(), "csv"),
        (b"#!KAMAILIO\n", "settings"),
        (b'# caf\xe9\nloadmodule "usrloc.so"\n', "settings"),
        (b'  modparam("usrloc", "db_mode", 2)\n', "settings"),
        (b"request_route {\n}\n", "settings"),
        (b"username,contact\n", None),
        (b"", None),
        (b"\0\1", None),
    ],
)
def test_what_a_file_is_is_seen_from_how_it_begins(head: bytes, kind: str | None) -> None:
    """Or not at all."""
    assert kind == kind_of(head)


@pytest.mark.parametrize("text", [exported(GOOD), dump(DUMPED), rows({})])
def test_bindings_of_every_kind_come_into_the_store(server_url: str, text: str) -> None:
    """The same contact, and doing it again changes nothing."""
    Path("file").write_text(text)

    first, second = counts("file"), counts("file")

    assert ((0, {"added": 1}), (0, {"kept": 1})) == (first, second)
    held = on_store(server_url, holding)
    assert [ALICE] == [aor for _, aor in held]
    assert [DESK] == [each.uri for each in held["location", ALICE]]


def test_people_get_a_table_of_counts() -> None:
    """On standard output; what is told of single bindings is on standard error."""
    Path("file").write_text(rows({}, {"expires": "0"}))

    result = run("import", "file")

    numbers = ["added 1", "refreshed 0", "kept 0", "expired 0", "skipped 1", "bad 0"]
    assert numbers == [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "file:3: it never expires, and every binding here does\n" == result.stderr


def test_a_lifetime_counts_from_when_the_dump_was_written(server_url: str, folder: Path) -> None:
    """300 seconds, 100 seconds ago."""
    (folder / "file").write_text(dump(DUMPED))
    at = time.time() - 100
    os.utime(folder / "file", (at, at))

    run("import", "file")

    [bindings] = on_store(server_url, holding).values()
    assert [int((at + 300) * 1000)] == [
        pytest.approx(each.expires_at, abs=1000) for each in bindings
    ]


def test_what_has_expired_since_is_counted(folder: Path) -> None:
    """It is no fault."""
    (folder / "file").write_text(dump(DUMPED, DUMPED | {"Expires": "expired", "Ruid": "x"}))
    os.utime(folder / "file", (0, 0))

    assert (0, {"expired": 2}) == counts("file")


def test_a_bad_line_is_told_with_its_number_and_the_rest_goes_on() -> None:
    """And the exit code is 1."""
    bad = [binding(NOW, ruid="a b"), binding(NOW, q=5000)]
    lines = ["{\n", aor_line("location", "bob@example.com", bad), GOOD, aor_line("no", ALICE, bad)]
    Path("file").write_text(exported(*lines, aor_line("no", ALICE, [binding(NOW)])))

    result = run("import", "file")

    assert 1 == result.exit_code
    assert [
        "file:2: no JSON",
        "file:3, binding 1: ruid is not 1 to 64 characters without a space",
        "file:3, binding 2: q is 5000: not in -1 to 1000",
        "file:5, binding 1: ruid is not 1 to 64 characters without a space",
        "file:5, binding 2: q is 5000: not in -1 to 1000",
        "file:6: there is no table no; location.tables has location",
    ] == result.stderr.splitlines()
    assert result.stdout.startswith("added      1\n")


@pytest.mark.parametrize(
    ("text", "options", "sentences"),
    [
        (exported(GOOD).removesuffix(END), [], ["f:2: the export ends here and is not complete"]),
        ("", ["--format", "export"], ["f:0: the export ends here and is not complete"]),
        ("[{]", [], ["f: no JSON: Expecting property name enclosed in double quotes: "]),
        ("{}", [], ["f: no AOR in it"]),
        (dump(table="x"), [], []),
        (dump(DUMPED, table="x"), [], [f"f: {ALICE}, contact 1: there is no table x; "]),
        (dump(DUMPED | {"Q": 3}), [], [f"f: {ALICE}, contact 1: q is no number up to 1: 3"]),
        (
            dump(DUMPED).replace("Contacts", "Others"),
            [],
            [f"f: {ALICE}: no contacts: that is a brief dump"],
        ),
        (rows({"q": "3"}, {}, {"q": "4"}), [], ["f:2: q is no", "f:4: q is no"]),
        (rows({"user_agent": "a\nb"}, {"q": "4"}), [], ["f:3: user_agent has", "f:4: q is no"]),
        (rows({}) + "\n1,2\n", [], ["f:4: 2 cells, and the header has 19"]),
        (rows({"user_agent": "a" * 200_000}), [], ["f:2: field larger than field limit"]),
        ("a,b\n", ["--format", "csv"], ["f:1: no names of columns, such as username, contact"]),
    ],
)
def test_what_cannot_be_used_is_told(text: str, options: list[str], sentences: list[str]) -> None:
    """With its place, one line each."""
    Path("f").write_text(text)

    result = run("import", "f", *options)

    told = result.stderr.splitlines()
    assert len(sentences) == len(told)
    assert sentences == [line[: len(start)] for line, start in zip(told, sentences, strict=True)]
    assert int(bool(sentences)) == result.exit_code


def test_what_is_told_has_an_end() -> None:
    """A whole file of another kind would fill the screen."""
    Path("file").write_text(exported(*["{\n"] * (MAX_TOLD + 5)))

    result = run("import", "file", "--json")

    assert MAX_TOLD + 1 == len(result.stderr.splitlines())
    assert "what more there is to tell is only counted" in result.stderr
    document = json.loads(result.stdout)
    assert (MAX_TOLD + 5, MAX_TOLD) == (document["bad"], len(document["notes"]))


def test_a_line_without_end_is_passed_over() -> None:
    """It is not held in memory, and what comes behind it is read."""
    Path("file").write_text(exported("{" * 2 * MAX_LINE + "{\n", GOOD))

    assert (1, {"added": 1, "bad": 1}) == counts("file")


def test_everything_can_be_put_into_one_table(server_url: str) -> None:
    """Whatever the file says."""
    Path("file").write_text(dump(DUMPED, table="elsewhere"))

    outcome = counts("file", "--table", "b", "--set", "location.tables=a,b")

    held = on_store(server_url, lambda store: holding(store, ("a", "b")))
    assert ((0, {"added": 1}), ["b"]) == (outcome, [table for table, _ in held])


def test_standard_input_is_read_too() -> None:
    """As from a pipe."""
    assert (0, {"added": 1}) == counts("-", given=exported(GOOD))


def test_a_pipe_with_a_name_is_read_too() -> None:
    """As a shell makes one of ``<(zstd -dc bindings.jsonl.zst)``."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=[exported(GOOD)])
    writer.start()

    outcome = counts("pipe")

    writer.join()
    assert (0, {"added": 1}) == outcome


CONFIGURATION = 'modparam("registrar", "max_contacts", 10)\n'


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (CONFIGURATION, ["--table", "a"], "--table does not fit what this file is: settings"),
        (CONFIGURATION, ["--set", "a.b=1"], "--set does not fit what this file is: settings"),
        (CONFIGURATION, ["-c", "x"], "--config does not fit what this file is: settings"),
        (exported(), ["-o", "x"], "--output does not fit what this file is: export"),
        (dump(), ["--force"], "--force does not fit what this file is: ul.dump"),
        (rows(), ["-A", "X"], "--define does not fit what this file is: csv"),
        (exported(), ["--table", "x"], "there is no table x; location.tables has location"),
        (exported(), ["--format", "xml"], "'xml' is not one of 'settings', 'export', 'ul.dump'"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(
    text: str, options: list[str], sentence: str
) -> None:
    """Each kind of file has its own."""
    Path("file").write_text(text)

    result = run("import", "file", *options)

    assert (2, "") == (result.exit_code, result.stdout)
    assert sentence in result.stderr


def test_a_file_of_no_kind_asks_for_a_word() -> None:
    """Which can be said."""
    Path("file").write_text("# nothing but a comment\n")

    unknown = run("import", "file")
    told = run("import", "file", "--format", "settings")

    sentence = "what this is, is not to be seen from how it begins; say --format"
    assert (2, f"regcluster: file: {sentence}\n") == (unknown.exit_code, unknown.stderr)
    assert 0 == told.exit_code


def test_a_store_that_goes_away_is_told_with_the_place(server_url: str) -> None:
    """What is written is written, and doing it again goes on."""
    Path("file").write_text(exported(GOOD))
    with redis.Redis.from_url(server_url) as client:
        run("aor", "add", "bob@example.com", DESK)
        client.config_set("maxmemory", 1)
        try:
            result = run("import", "file")
        finally:
            client.config_set("maxmemory", 0)

    assert (3, "") == (result.exit_code, result.stdout)
    assert "stopped at file:2, do it again to go on" in result.stderr
