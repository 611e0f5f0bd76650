"""The verbs about bindings, on a real server: what they do, write and answer."""

import json
import re
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from regcluster.control.cli import main

pytestmark = pytest.mark.server

ALICE = "alice@example.com"
DESK = "sip:alice@192.0.2.1:5070"
MOBILE = "sip:alice@192.0.2.2;transport=tcp"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def environment(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of the test's own, named as an operator would."""
    monkeypatch.setenv("REGCLUSTER_STORE__URL", server_url)


def run(*arguments: str) -> Result:
    """Run regcluster with ``arguments``."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def shown(aor: str = ALICE) -> list[dict[str, object]]:
    """The contacts ``aor show`` tells a machine."""
    contacts = json.loads(run("aor", "show", aor, "--json").stdout)["contacts"]
    assert isinstance(contacts, list)
    return contacts


def test_an_added_contact_is_shown_and_removed() -> None:
    """The way through: nothing, one contact, nothing again."""
    assert 1 == run("aor", "show", ALICE).exit_code

    added = run("aor", "add", ALICE, DESK, "--expires", "600", "--q", "0.5")

    assert (0, f"added {DESK} for {ALICE}, 600 s\n") == (added.exit_code, added.stdout)
    heading, line = run("aor", "show", ALICE).stdout.splitlines()
    assert heading.startswith("CONTACT")
    assert re.match(rf"{re.escape(DESK)}  0\.5  (600|599|598) s +\d s +regcluster/", line)
    removed = run("aor", "rm", ALICE)
    assert (0, "removed 1 binding\n") == (removed.exit_code, removed.stdout)
    assert 1 == run("aor", "show", ALICE).exit_code


def test_who_has_no_contacts_is_said_on_standard_error() -> None:
    """With exit code 1, so that a script can ask."""
    result = run("aor", "show", "SIP:Nobody@Example.com")

    assert (1, "", "regcluster: nobody@example.com has no contacts\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )


@pytest.mark.parametrize(
    "arguments", [("aor", "show"), ("aor", "rm"), ("contact", "rm", "--ruid", "uloc-1-1")]
)
@pytest.mark.parametrize(
    ("aor", "told"),
    [(ALICE, " (location.use_domain = 0: the domain was left out)"), ("alice", "")],
)
def test_a_domain_that_was_left_out_is_told_of(
    arguments: tuple[str, ...], aor: str, told: str
) -> None:
    """Whoever typed it has a node in mind that goes by domains."""
    result = run(*arguments, aor, "--set", "location.use_domain=0")

    what = "binding uloc-1-1" if "--ruid" in arguments else "contacts"
    assert (1, f"regcluster: alice has no {what}{told}\n") == (result.exit_code, result.stderr)


def test_who_has_no_contacts_is_an_empty_list_for_machines() -> None:
    """The document has the same shape, and the exit code still says no."""
    result = run("aor", "show", ALICE, "--json")

    answer = json.loads(result.stdout)
    assert (1, ALICE, []) == (result.exit_code, answer["aor"], answer["contacts"])


def test_the_same_uri_again_is_a_refresh() -> None:
    """However it is spelled (RFC 3261 §19.1.4), and as often as one likes."""
    run("aor", "add", ALICE, "sip:alice@EXAMPLE.com", "--expires", "60")

    answer = json.loads(
        run("aor", "add", ALICE, "sip:%61lice@example.com", "--expires", "90", "--json").stdout
    )

    assert ("refreshed", ALICE, 1) == (answer["outcome"], answer["aor"], len(answer["contacts"]))
    assert 60 < answer["contacts"][0]["expires_in"] <= 90


def test_lifetime_and_preference_default_to_the_registrars() -> None:
    """registrar.default_expires and registrar.default_q, as for a phone."""
    settings = ["--set", "registrar.default_expires=120", "--set", "registrar.default_q=250"]
    run("aor", "add", ALICE, DESK, *settings)

    (contact,) = shown()
    assert (0.25, True) == (contact["q"], 110 < int(str(contact["expires_in"])) <= 120)


def test_without_a_default_lifetime_one_must_be_said() -> None:
    """A binding for 0 seconds would be a removal."""
    result = run("aor", "add", ALICE, DESK, "--set", "registrar.default_expires=0")

    assert 2 == result.exit_code
    assert "registrar.default_expires is 0, so say --expires" in result.stderr


def test_contacts_are_shown_best_first() -> None:
    """By q, as a lookup would use them."""
    run("aor", "add", ALICE, DESK, "--q", "0.1")
    run("aor", "add", ALICE, MOBILE, "--q", "0.9")

    assert [MOBILE, DESK] == [contact["contact"] for contact in shown()]


def test_one_binding_of_several_is_removed_by_its_ruid() -> None:
    """The ruid is the last column of aor show."""
    run("aor", "add", ALICE, DESK, "--q", "0.9")
    run("aor", "add", ALICE, MOBILE)
    ruid = str(shown()[0]["ruid"])

    result = run("aor", "rm", ALICE, "--ruid", ruid, "--json")

    assert {"aor": ALICE, "removed": 1} == json.loads(result.stdout)
    assert [MOBILE] == [contact["contact"] for contact in shown()]


def test_all_bindings_are_removed_at_once() -> None:
    """Without --ruid the AOR is forgotten."""
    run("aor", "add", ALICE, DESK)
    run("aor", "add", ALICE, MOBILE)

    assert "removed 2 bindings\n" == run("aor", "rm", ALICE).stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], f"regcluster: {ALICE} has no contacts\n"),
        (["--ruid", "uloc-1-1"], f"regcluster: {ALICE} has no binding uloc-1-1\n"),
        (["--ruid", "\udcff"], f"regcluster: {ALICE} has no binding \\xff\n"),
    ],
)
def test_removing_nothing_is_exit_code_1(options: list[str], sentence: str) -> None:
    """And says what was not there."""
    result = run("aor", "rm", ALICE, *options)

    assert (1, "", sentence) == (result.exit_code, result.stdout, result.stderr)


def test_the_limit_of_contacts_applies() -> None:
    """registrar.max_contacts holds for operators too, and a refusal changes nothing."""
    limit = ["--set", "registrar.max_contacts=1"]
    run("aor", "add", ALICE, DESK, *limit)

    result = run("aor", "add", ALICE, MOBILE, *limit)

    assert (1, "") == (result.exit_code, result.stdout)
    assert (
        f"regcluster: {ALICE} already has as many contacts as registrar.max_contacts allows, 1\n"
        == result.stderr
    )
    assert [DESK] == [contact["contact"] for contact in shown()]


@pytest.mark.parametrize(
    "arguments",
    [
        ["aor", "show", "a b@c"],
        ["aor", "rm", "alice@"],
        ["aor", "add", "alice@", DESK],
        ["aor", "add", ALICE, "alice"],
        ["aor", "add", ALICE, DESK, "--q", "2"],
        ["aor", "add", ALICE, DESK, "--expires", "0"],
        ["aor", "list", "--limit", "-1"],
    ],
)
def test_wrong_arguments_are_exit_code_2(arguments: list[str]) -> None:
    """They are refused before the store is asked."""
    result = run(*arguments, "--set", "store.url=unix:///nowhere/at/all")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "Error: " in result.stderr


def test_a_list_of_nobody_is_empty() -> None:
    """That is an answer, not a failure."""
    result = run("aor", "list")

    assert (0, "", "") == (result.exit_code, result.stdout, result.stderr)


def test_a_list_has_each_aor_once() -> None:
    """However many contacts it has."""
    for user in ("a", "b", "c"):
        run("aor", "add", f"{user}@example.com", DESK)
        run("aor", "add", f"{user}@example.com", MOBILE)

    assert ["a@example.com", "b@example.com", "c@example.com"] == sorted(
        run("aor", "list").stdout.splitlines()
    )


def test_a_list_for_machines_is_a_document_a_line() -> None:
    """So that a million AORs can be read as they come."""
    run("aor", "add", ALICE, DESK)

    assert f'{{"aor": "{ALICE}"}}\n' == run("aor", "list", "--json").stdout


def test_a_list_can_be_narrowed_by_a_prefix() -> None:
    """The beginning of the canonical AOR."""
    for user in ("ann", "anna", "bob"):
        run("aor", "add", f"{user}@example.com", DESK)

    assert ["ann@example.com", "anna@example.com"] == sorted(
        run("aor", "list", "--prefix", "an").stdout.splitlines()
    )


def test_a_list_stops_at_its_limit_and_says_so() -> None:
    """On standard error, and only when there was more."""
    for user in ("a", "b", "c"):
        run("aor", "add", f"{user}@example.com", DESK)

    short, whole = run("aor", "list", "--limit", "2"), run("aor", "list", "--limit", "3")

    assert (2, "regcluster: stopped after 2; go on with --cursor b@example.com\n") == (
        len(short.stdout.splitlines()),
        short.stderr,
    )
    assert (3, "") == (len(whole.stdout.splitlines()), whole.stderr)
    assert 3 == len(run("aor", "list", "--limit", "0").stdout.splitlines())


def test_stats_counts_bindings() -> None:
    """Not AORs."""
    run("aor", "add", ALICE, DESK)
    run("aor", "add", ALICE, MOBILE)

    assert re.search(r"^bindings +2$", run("stats").stdout, re.MULTILINE)


def test_stats_for_machines(server_url: str) -> None:
    """One document, with the store it speaks of."""
    assert {
        "bindings": 0,
        "tables": {"location": 0},
        "store": server_url,
        "prefix": "rc",
        "partitions": 256,
    } == json.loads(run("stats", "--json").stdout)


TABLES = ["--set", "location.tables=location,aliases"]


def test_tables_are_apart_from_each_other() -> None:
    """What is in one is neither shown, nor listed, nor removed in another."""
    aliases = [*TABLES, "--table", "aliases"]
    run("aor", "add", ALICE, DESK, *aliases)

    assert 1 == run("aor", "show", ALICE, *TABLES).exit_code
    assert "" == run("aor", "list", *TABLES).stdout
    assert 1 == run("aor", "rm", ALICE, *TABLES).exit_code
    assert DESK in run("aor", "show", ALICE, *aliases).stdout
    assert f"{ALICE}\n" == run("aor", "list", *aliases).stdout
    assert "removed 1 binding\n" == run("aor", "rm", ALICE, *aliases).stdout


def test_the_first_table_is_meant_where_none_is_named() -> None:
    """As the built-in script has it."""
    other = ["--set", "location.tables=aliases,location"]
    run("aor", "add", ALICE, DESK, *other)

    assert 1 == run("aor", "show", ALICE).exit_code
    assert 0 == run("aor", "show", ALICE, *other).exit_code


def test_stats_count_all_tables_or_one() -> None:
    """Each by itself, where there are several."""
    for table in ("location", "aliases", "aliases"):
        run("aor", "add", ALICE, f"{DESK};n={table}", *TABLES, "--table", table)
    run("aor", "add", ALICE, MOBILE, *TABLES, "--table", "aliases")

    everything = run("stats", *TABLES).stdout.splitlines()
    one = json.loads(run("stats", *TABLES, "--table", "aliases", "--json").stdout)
    assert ["bindings 3", "in location 1", "in aliases 2"] == [
        " ".join(line.split()) for line in everything[:3]
    ]
    assert (2, {"aliases": 2}) == (one["bindings"], one["tables"])


@pytest.mark.parametrize(
    "command",
    [
        *("stats", "aor list", "aor show a@b", "aor add a@b sip:c@d", "aor rm a@b"),
        *("contact rm a@b sip:c@d", "export"),
    ],
)
def test_a_table_that_there_is_not_is_wrong_usage(command: str) -> None:
    """A node would not know it either."""
    result = run(*command.split(), *TABLES, "--table", "alias")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "there is no table alias; location.tables has location, aliases" in result.stderr


def test_a_contact_too_many_may_evict_another() -> None:
    """registrar.full_aor holds for operators too."""
    limit = ["--set", "registrar.max_contacts=1", "--set", "registrar.full_aor=evict"]
    run("aor", "add", ALICE, DESK, *limit)

    assert 0 == run("aor", "add", ALICE, MOBILE, *limit).exit_code
    assert [MOBILE] == [contact["contact"] for contact in shown()]


@pytest.mark.parametrize(
    "command",
    [
        *("stats", "aor list", "aor show a@b", "aor add a@b sip:c@d", "aor rm a@b"),
        *("contact rm a@b sip:c@d", "export"),
    ],
)
def test_a_store_that_is_not_there_is_exit_code_3(command: str) -> None:
    """One sentence, no traceback and no password."""
    nowhere = ("store.url=redis://u:hunter2@127.0.0.1:1", "store.deadline_ms=50")

    result = run(*command.split(), *(word for one in nowhere for word in ("--set", one)))

    assert (3, "") == (result.exit_code, result.stdout)
    assert result.stderr.startswith("regcluster: ")
    assert 1 == len(result.stderr.splitlines())
    assert "hunter2" not in result.stderr
    assert "127.0.0.1:1" in result.stderr


@pytest.mark.parametrize(
    "command",
    ["stats", "aor list", "aor show a@b.test", "aor rm a@b.test", "contact rm a@b.test sip:c@d"],
)
def test_a_look_leaves_a_fresh_store_as_it_is(command: str) -> None:
    """Whoever mistypes the number of partitions must not fix it for every node."""
    looked = run(*command.split(), "--set", "store.partitions=16")
    added = run("aor", "add", ALICE, DESK)

    assert "partitions" not in looked.stderr
    assert 0 == added.exit_code


def test_stats_counts_the_living(server_url: str) -> None:
    """What has expired is not counted, whether or not anybody has removed it."""
    run("aor", "add", ALICE, DESK)
    with redis.Redis.from_url(server_url) as client:
        (index,) = client.keys("rc:{*}:x")
        client.zadd(index, {b"bob@example.com\nsip:bob@h": 1.0})

    assert 1 == json.loads(run("stats", "--json").stdout)["bindings"]
