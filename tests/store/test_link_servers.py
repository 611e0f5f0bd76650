"""The link at the door of real servers: who we are, what they hold, what they refuse, TLS."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import pytest
import redis
import trustme

from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store.scripts import DROP, SOURCES
from tests import servers
from tests.peer.processes import end_group
from tests.servers import RealServer
from tests.store.wiring import BRIEF_S, LONG_S, linked, problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def spare(folder: Path) -> Iterator[RealServer]:
    """A server whose settings a test may change, if it changes them back."""
    server = RealServer("spare", servers.redis8(), folder)
    yield server
    end_group(server.process)


@pytest.fixture
def admin(spare: RealServer) -> Iterator["redis.Redis"]:
    """A view of the spare server past our own code."""
    with closing(spare.client()) as client:
        yield client


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificates of these tests."""
    return trustme.CA()


async def test_a_thousand_calls_of_one_turn_are_answered_in_order(real_server: RealServer) -> None:
    """Whatever a server makes of so long a pipeline."""
    async with linked(real_server.url) as link:
        replies = await asyncio.gather(*[link.call(b"ECHO", number) for number in range(1000)])

    assert [b"%d" % number for number in range(1000)] == replies


async def test_replies_come_as_redis_spells_them(real_server: RealServer) -> None:
    """A hash is a flat list, a score is text, nothing is nothing."""
    async with linked(real_server.url) as link:
        await link.call(b"HSET", b"h", b"f", b"v")
        await link.call(b"ZADD", b"z", b"1.5", b"m")
        hash_, scan, none = await asyncio.gather(
            link.call(b"HGETALL", b"h"), link.call(b"ZSCAN", b"z", 0), link.call(b"GET", b"no")
        )

    assert ([b"f", b"v"], [b"0", [b"m", b"1.5"]], None) == (hash_, scan, none)


async def test_a_server_finds_out_who_is_connected(real_server: RealServer) -> None:
    """CLIENT LIST is where an operator looks first."""
    async with linked(real_server.url) as link:
        listed: bytes = await link.call(b"CLIENT", b"LIST")

    assert 1 == listed.count(b"name=regcluster ")


async def test_the_scripts_are_left_at_the_server_with_the_greeting(
    real_server: RealServer,
) -> None:
    """So that the first REGISTER after a start is as quick as any other."""
    async with linked(real_server.url) as link:
        known = await link.call(b"SCRIPT", b"EXISTS", *SOURCES)

    assert [1] * len(SOURCES) == known


async def test_a_script_the_server_forgot_is_brought_along(real_server: RealServer) -> None:
    """After SCRIPT FLUSH each call in flight succeeds, and the script stays there again."""
    drop = (b"EVALSHA", DROP.sha, b"3", b"b", b"x", b"e", b"aor", b"", 0, 9)
    async with linked(real_server.url) as link:
        await link.call(b"SCRIPT", b"FLUSH")
        replies = await asyncio.gather(link.call(*drop), link.call(*drop))
        known = await link.call(b"SCRIPT", b"EXISTS", DROP.sha)

    assert ([0, 0], [1]) == ([reply[0] for reply in replies], known)


async def test_the_database_of_the_url_is_the_one_used(real_server: RealServer) -> None:
    """Nothing of ours gets into another."""
    async with linked(f"{real_server.url}?db=3") as link:
        await link.call(b"SET", b"here", b"1")

    socket = real_server.url.removeprefix("unix://")
    with (
        closing(redis.Redis(unix_socket_path=socket)) as zero,
        closing(redis.Redis(unix_socket_path=socket, db=3)) as three,
    ):
        assert [0, 1] == [zero.exists("here"), three.exists("here")]


async def test_a_server_that_died_is_found_again_on_the_same_socket(folder: Path) -> None:
    """The link needs no help, and the scripts are there again."""
    server = RealServer("mortal", servers.redis8(), folder)
    async with linked(server.url) as link:
        await link.call(b"ECHO", b"up")
        end_group(server.process)
        reply = link.call(b"EVALSHA", DROP.sha, b"3", b"b", b"x", b"e", b"aor", b"", 0, 9)
        with suppress(StoreUnavailable):
            await reply
        server = RealServer("mortal", servers.redis8(), folder)
        try:
            known = await link.call(b"SCRIPT", b"EXISTS", DROP.sha)
        finally:
            end_group(server.process)

    assert [1] == known


@contextmanager
def required(admin: "redis.Redis", name: str, value: str, usual: str) -> Iterator[None]:
    """One setting of the spare server changed for a while."""
    admin.config_set(name, value)
    try:
        yield
    finally:
        admin.config_set(name, usual)


@pytest.fixture
def guarded(spare: RealServer, admin: "redis.Redis") -> Iterator[str]:
    """The spare server's socket, with a password and an account; both with awkward characters."""
    admin.acl_setuser("edge", True, passwords=["+p@ss/word"], keys=["*"], categories=["+@all"])
    with required(admin, "requirepass", "s#cret", ""):
        yield spare.url.removeprefix("unix://")
    admin.acl_deluser("edge")


@pytest.mark.parametrize("who", [":s%23cret@", "edge:p%40ss%2Fword@", "default:s%23cret@"])
async def test_a_password_opens_the_door(guarded: str, who: str) -> None:
    """The server's own, or that of an account."""
    async with linked(f"unix://{who}{guarded}") as link:
        assert b"in" == await link.call(b"ECHO", b"in")


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (":wrong@", "WRONGPASS"),
        ("edge:wrong@", "WRONGPASS"),
        ("nobody:s%23cret@", "WRONGPASS"),
        ("", "NOAUTH"),
    ],
)
async def test_a_closed_door_is_told_inside_the_deadline(guarded: str, who: str, code: str) -> None:
    """The answer is the server's own, to the call and to whoever asks what is wrong."""
    async with linked(f"unix://{who}{guarded}", BRIEF_S) as link:
        told = await problem(link.call(b"ECHO", b"in"))

        assert told.startswith(f"no connection: the store answered: {code} ")
        assert told.endswith(link.problem)


async def test_a_door_that_is_opened_later_is_entered(
    spare: RealServer, admin: "redis.Redis"
) -> None:
    """The operator mends the password at the server; no node needs a restart."""
    async with linked(f"unix://:later@{spare.url.removeprefix('unix://')}") as link:
        reply = link.call(b"ECHO", b"in")
        with required(admin, "requirepass", "later", ""):
            assert b"in" == await reply


async def test_a_password_no_server_asked_for_is_told(spare: RealServer) -> None:
    """Better than to go in without it: it is perhaps the wrong server."""
    url = f"unix://edge:secret@{spare.url.removeprefix('unix://')}"
    async with linked(url, BRIEF_S) as link:
        assert "WRONGPASS" in await problem(link.call(b"ECHO", b"in"))


async def test_a_database_the_server_lacks_is_told(spare: RealServer) -> None:
    """Redis has sixteen unless told otherwise."""
    async with linked(f"{spare.url}?db=99", BRIEF_S) as link:
        assert "DB index is out of range" in await problem(link.call(b"ECHO", b"in"))


async def test_a_full_server_is_unavailable_and_serves_what_it_holds(
    spare: RealServer, admin: "redis.Redis"
) -> None:
    """It refuses the write at once; reads go on, over the same connection and over a new one."""
    async with linked(spare.url) as link:
        await link.call(b"SET", b"a", b"1")
        with required(admin, "maxmemory", "1", "0"):
            told = await problem(link.call(b"SET", b"a", b"2"))
            held = await link.call(b"GET", b"a")
            async with linked(spare.url) as new:
                held += await new.call(b"GET", b"a")

    assert (True, b"11") == (told.startswith("the store answered: OOM "), held)


async def test_a_server_that_became_a_replica_gets_the_call_once_it_is_primary(
    spare: RealServer, admin: "redis.Redis"
) -> None:
    """A failover inside the deadline costs nobody a 503."""
    async with linked(spare.url) as link:
        await link.call(b"SET", b"a", b"1")
        admin.replicaof("127.0.0.1", 1)
        try:
            reply = link.call(b"SET", b"a", b"2")
            async with asyncio.timeout(LONG_S):
                while "READONLY" not in link.problem:
                    await asyncio.wait([reply], timeout=0.005)
        finally:
            admin.replicaof("NO", "ONE")

        assert b"OK" == await reply


async def test_a_server_busy_with_a_script_is_unavailable(
    spare: RealServer, admin: "redis.Redis"
) -> None:
    """It says so itself, once the script has run for longer than it likes."""
    async with linked(spare.url) as link, linked(spare.url, BRIEF_S) as other:
        await asyncio.gather(link.call(b"ECHO", b"up"), other.call(b"ECHO", b"up"))
        with required(admin, "busy-reply-threshold", "1", "5000"):
            endless = link.call(b"EVAL", b"while true do end", b"0")
            told = ""
            while "BUSY" not in told:
                told = await problem(other.call(b"GET", b"a"))
            await other.call(b"SCRIPT", b"KILL")
            with pytest.raises(StoreError, match="killed"):
                await endless

    assert told.startswith("the store answered: BUSY ")


@asynccontextmanager
async def tls_front(server: RealServer, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS, in front of a server that cannot; what comes through is passed on."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = server.url.removeprefix("unix://")
        inner_reader, inner_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with front:
        yield front.sockets[0].getsockname()[1]


def shown(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """The server's side, with a certificate for ``name``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def written(authority: trustme.CA, folder: Path) -> str:
    """A file with the authority's own certificate."""
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


async def test_a_server_is_spoken_to_over_tls(
    valkey: RealServer, authority: trustme.CA, tmp_path: Path
) -> None:
    """A certificate of the authority we trust, for the host we asked for; long replies too."""
    async with (
        tls_front(valkey, shown(authority, "localhost")) as port,
        linked(f"rediss://localhost:{port}?ssl_ca_certs={written(authority, tmp_path)}") as link,
    ):
        replies = await asyncio.gather(*[link.call(b"ECHO", b"x" * 5000) for _ in range(100)])

    assert [b"x" * 5000] * 100 == replies


@pytest.mark.parametrize(
    ("host", "arguments", "reason"),
    [
        ("localhost", "", "certificate verify failed"),
        ("127.0.0.1", "?ssl_ca_certs={ca}", "IP address mismatch"),
    ],
)
async def test_a_server_that_cannot_prove_itself_is_not_spoken_to(
    valkey: RealServer,
    authority: trustme.CA,
    tmp_path: Path,
    host: str,
    arguments: str,
    reason: str,
) -> None:
    """Signed by nobody we trust, or for another name: no password leaves for it."""
    ca = arguments.format(ca=written(authority, tmp_path))
    async with (
        tls_front(valkey, shown(authority, "localhost")) as port,
        linked(f"rediss://:secret@{host}:{port}{ca}") as link,
    ):
        await until(lambda: link.problem != "the store has not answered yet")

        assert reason in link.problem


@pytest.mark.parametrize(
    "arguments", ["?ssl_cert_reqs=none", "?ssl_check_hostname=false&ssl_ca_certs={ca}"]
)
async def test_checks_can_be_given_up(
    valkey: RealServer, authority: trustme.CA, tmp_path: Path, arguments: str
) -> None:
    """All of them, or only that of the name: as the URL says."""
    ca = arguments.format(ca=written(authority, tmp_path))
    async with (
        tls_front(valkey, shown(authority, "elsewhere.example")) as port,
        linked(f"rediss://127.0.0.1:{port}{ca}") as link,
    ):
        assert b"in" == await link.call(b"ECHO", b"in")


async def test_a_server_that_asks_for_our_certificate_gets_it(
    valkey: RealServer, authority: trustme.CA, tmp_path: Path
) -> None:
    """And lets nobody in who has none."""
    context = shown(authority, "localhost")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("edge.example").private_key_and_cert_chain_pem
    ours.write_to_path(str(tmp_path / "ours.pem"))
    async with tls_front(valkey, context) as port:
        url = f"rediss://localhost:{port}?ssl_ca_certs={written(authority, tmp_path)}"
        async with linked(url) as stranger:
            await until(lambda: stranger.problem not in ("", "the store has not answered yet"))
        async with linked(f"{url}&ssl_certfile={tmp_path / 'ours.pem'}") as link:
            assert b"in" == await link.call(b"ECHO", b"in")
