"""The API as a whole: what no operation is, and what goes wrong in one."""

from pathlib import Path
from urllib.parse import urljoin

import pytest

from regcluster import __version__
from regcluster.config import HttpSettings, Settings
from regcluster.config.reader import Loaded
from regcluster.control.api.app import Api
from regcluster.errors import ConfigError
from tests.control.api.speaker import BASE, READ, Speaker, api_of, asking

pytestmark = pytest.mark.anyio


class Broken(Speaker):
    """A node that fails in a way that nobody has foreseen."""

    def in_force(self) -> Loaded:
        """Fail."""
        raise ZeroDivisionError


@pytest.mark.parametrize("path", [BASE, f"{BASE}/"])
async def test_who_comes_to_the_root_is_told_where_all_is_described(
    tmp_path: Path, path: str
) -> None:
    """With a slash or without, and never by a redirection."""
    async with asking(api_of(Speaker(None), tmp_path), READ) as client:
        answer = await client.get(path)
        described = await client.get(urljoin(path, answer.json()["openapi"]))

    assert (200, __version__) == (answer.status_code, answer.json()["version"])
    assert __version__ == described.json()["info"]["version"]


@pytest.mark.parametrize("path", [BASE, f"{BASE}/"])
async def test_the_root_is_behind_the_gate_too(tmp_path: Path, path: str) -> None:
    """A stranger learns no version."""
    async with asking(api_of(Speaker(None), tmp_path), "no-token-of-ours") as client:
        answer = await client.get(path)

    assert 401 == answer.status_code


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "//",
        "/api/v1",
        "/aors/",
        "/aors/a@b/",
        "/aors/a@b/contacts/",
        "/aors/a@b/c/d",
    ],
)
async def test_what_is_not_there_is_a_problem_too(tmp_path: Path, path: str) -> None:
    """404 with where to look, and never a redirection."""
    async with asking(api_of(Speaker(None), tmp_path)) as client:
        answer = await client.get(f"{BASE}{path}")

    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing here; /api/v1/openapi.json describes what there is",
    }


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/aors/a@b.example", {"GET", "HEAD", "DELETE"}),
        ("GET", "/aors/a@b.example/contacts", {"POST", "DELETE"}),
        ("DELETE", "/node", {"GET", "HEAD"}),
        ("POST", "", {"GET", "HEAD"}),
        ("POST", "/", {"GET", "HEAD"}),
    ],
)
async def test_another_method_is_told_those_there_are(
    tmp_path: Path, method: str, path: str, allowed: set[str]
) -> None:
    """All of them (RFC 9110 section 15.5.6)."""
    async with asking(api_of(Speaker(None), tmp_path)) as client:
        answer = await client.request(method, f"{BASE}{path}")

    told = answer.headers["allow"]
    detail = f"{method} is not allowed here, but {told}"
    assert (405, detail) == (answer.status_code, answer.json()["detail"])
    assert allowed == set(told.split(", "))


async def test_the_head_of_an_answer_is_that_of_the_answer(tmp_path: Path) -> None:
    """A server leaves out what is below it."""
    async with asking(api_of(Speaker(None), tmp_path), READ) as client:
        head, answer = await client.head("/settings"), await client.get("/settings")

    assert answer.headers == head.headers


async def test_a_store_that_is_away_is_a_503(tmp_path: Path) -> None:
    """With why; so it is on every operation that needs it."""
    async with asking(api_of(Speaker(None), tmp_path)) as client:
        paths = ("/aors", "/aors/a@b.example", "/counts", "/nodes", "/events")
        answers = [await client.get(path) for path in paths]

    details = {(answer.status_code, answer.json()["detail"]) for answer in answers}
    assert {(503, "the store cannot be used: not connected yet")} == details


async def test_an_error_that_nobody_has_foreseen_tells_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """500 for the caller; the log has it, with the operation that failed."""
    async with asking(api_of(Broken(None), tmp_path)) as client:
        answer = await client.get("/settings")

    assert {"type": "about:blank", "title": "Internal Server Error", "status": 500} == answer.json()
    logged = capsys.readouterr().out
    assert "operation=show_settings" in logged
    assert "ZeroDivisionError" in logged


def test_a_token_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """Before anything is served."""
    with pytest.raises(ConfigError):
        Api(Speaker(None, Settings()), HttpSettings(token_file=str(tmp_path / "none")))
