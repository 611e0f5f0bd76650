"""``aor list`` page by page, and ``contact rm``, on a real server."""

import json
from pathlib import Path

import pytest

from tests.control.command import ALICE, DESK, run

pytestmark = pytest.mark.server

MOBILE = "sip:alice@192.0.2.2;transport=tcp"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, server_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a store of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGCLUSTER_STORE__URL", server_url)
    return tmp_path


def add(*aors: str) -> None:
    """Bind each of ``aors``."""
    for aor in aors:
        assert 0 == run("aor", "add", aor, DESK).exit_code


def listed(*options: str) -> list[str]:
    """The AORs of a list."""
    return run("aor", "list", *options).stdout.splitlines()


def uris(aor: str = ALICE) -> list[str]:
    """The contacts there are."""
    shown = json.loads(run("aor", "show", aor, "--json").stdout)
    return [contact["contact"] for contact in shown["contacts"]]


def test_a_cursor_goes_on_where_a_page_has_stopped() -> None:
    """Page by page everybody is listed, each once, as in one list; the last has no cursor."""
    add(*[f"u{number}@example.com" for number in range(7)])
    pages, cursor = [], ""

    while True:
        page = run("aor", "list", "--limit", "3", "--cursor", cursor)
        pages.append(page.stdout.splitlines())
        if not page.stderr:
            break
        cursor = page.stderr.split()[-1]

    assert [3, 3, 1] == [len(page) for page in pages]
    assert listed() == [aor for page in pages for aor in page]


def test_machines_find_the_cursor_in_the_last_document() -> None:
    """If there is more to come."""
    add("a@example.com", "b@example.com")

    first = [json.loads(line) for line in listed("--json", "--limit", "1")]
    second = [json.loads(line) for line in listed("--json", "--cursor", first[-1]["cursor"])]

    assert ["aor", "cursor"] == [name for document in first for name in document]
    assert {"a@example.com", "b@example.com"} == {first[0]["aor"], second[0]["aor"]}
    assert 1 == len(second)


def test_a_cursor_is_one_word_of_a_shell_whatever_the_aor() -> None:
    """Characters that a shell would take apart are in it in another form."""
    add("sip:a$b'c;d@example.com", "sip:a%40b@example.com", "sip:a&b@example.com")

    first = run("aor", "list", "--limit", "1")
    cursor = first.stderr.split()[-1]
    rest = listed("--cursor", cursor)

    assert set(cursor).isdisjoint("$';& ")
    assert listed() == [*first.stdout.splitlines(), *rest]


@pytest.mark.parametrize(
    ("options", "aors"),
    [
        (["--domain", "Example.com"], ["a@example.com", "b@example.com", "example.com"]),
        (["--domain", "example.com", "--prefix", "b"], ["b@example.com"]),
        (["--domain", "com"], []),
        (["--prefix", "a@"], ["a@example.com", "a@sub.example.com"]),
    ],
)
def test_a_list_is_narrowed_by_domain_and_prefix(options: list[str], aors: list[str]) -> None:
    """A domain is the whole of it; an AOR without a user is of its own domain."""
    add("a@example.com", "b@example.com", "a@sub.example.com", "sip:example.com")

    assert aors == sorted(listed(*options))


def test_without_domains_there_is_none_to_list() -> None:
    """location.use_domain says whether there are."""
    result = run("aor", "list", "--domain", "a.test", "--set", "location.use_domain=0")

    assert 2 == result.exit_code
    assert "location.use_domain is 0, so no AOR has a domain" in result.stderr


@pytest.mark.parametrize("uri", [MOBILE, "sip:%61lice@192.0.2.2;Transport=TCP", f"{MOBILE};x=y"])
def test_a_contact_is_removed_by_any_spelling_of_its_uri(uri: str) -> None:
    """RFC 3261 section 19.1.4; the others stay."""
    run("aor", "add", ALICE, DESK)
    run("aor", "add", ALICE, MOBILE)

    result = run("contact", "rm", ALICE, uri)

    assert (0, "removed 1 binding\n") == (result.exit_code, result.stdout)
    assert [DESK] == uris()


def test_bytes_may_be_all_that_counts() -> None:
    """location.uri_equality, as for a phone."""
    run("aor", "add", ALICE, MOBILE)
    strict = ["--set", "location.uri_equality=bytes"]

    other = run("contact", "rm", ALICE, "sip:%61lice@192.0.2.2;transport=tcp", *strict)
    same = run("contact", "rm", ALICE, MOBILE, *strict)

    assert (1, 0) == (other.exit_code, same.exit_code)


def test_a_contact_that_is_no_sip_uri_is_removed_by_its_text() -> None:
    """As it was bound."""
    run("aor", "add", ALICE, "tel:+1-201")

    other = run("contact", "rm", ALICE, "tel:+1201")
    same = run("contact", "rm", ALICE, "tel:+1-201")

    assert (1, 0) == (other.exit_code, same.exit_code)


def test_a_contact_is_removed_in_any_matching_mode() -> None:
    """Kamailio's ul.rm_contact does so in mode 0 only (S-46)."""
    run("aor", "add", ALICE, DESK)

    result = run("contact", "rm", ALICE, DESK, "--set", "location.matching_mode=1", "--json")

    assert {"aor": ALICE, "removed": 1} == json.loads(result.stdout)


def test_a_contact_is_removed_by_its_ruid() -> None:
    """Whatever its URI is."""
    run("aor", "add", ALICE, DESK)
    run("aor", "add", ALICE, MOBILE)
    shown = json.loads(run("aor", "show", ALICE, "--json").stdout)["contacts"]
    ruid = next(each["ruid"] for each in shown if each["contact"] == DESK)

    result = run("contact", "rm", ALICE, "--ruid", ruid)

    assert (0, [MOBILE]) == (result.exit_code, uris())


@pytest.mark.parametrize("which", [[DESK], ["--ruid", "uloc-1-1"]])
def test_a_contact_that_there_is_not_is_exit_code_1(which: list[str]) -> None:
    """With a sentence."""
    result = run("contact", "rm", ALICE, *which)

    assert (1, "", f"regcluster: {ALICE} has no binding {which[-1]}\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )


@pytest.mark.parametrize(
    "arguments", [[ALICE], [ALICE, DESK, "--ruid", "x"], [ALICE, "<sip:a@b>"], ["a b", DESK]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    """Before the store is asked."""
    result = run("contact", "rm", *arguments, "--set", "store.url=unix:///nowhere/at/all")

    assert (2, "") == (result.exit_code, result.stdout)
