"""What ``store.url`` may say, and what is refused before anything is connected."""

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from regcluster.errors import ConfigError
from regcluster.store.endpoint import Endpoint, parse
from regcluster.store.places import parse_place

PEM = "ssl_certfile={folder}/cert.pem&ssl_keyfile={folder}/key.pem"


def place(endpoint: Endpoint) -> tuple[str, int, str, int]:
    return endpoint.host, endpoint.port, endpoint.path, endpoint.db


def problem(url: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_place(url)
    return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate, its key, the authority that signed it, and a key under a pass phrase."""
    folder = tmp_path_factory.mktemp("pem")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    (folder / "locked.pem").write_bytes(locked)
    return folder


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", ("localhost", 6379, "", 0)),
        ("redis://cache", ("cache", 6379, "", 0)),
        ("redis://cache:7000/", ("cache", 7000, "", 0)),
        ("redis://cache/3", ("cache", 6379, "", 3)),
        ("redis://cache?db=4", ("cache", 6379, "", 4)),
        ("redis://cache/3?db=4", ("cache", 6379, "", 4)),
        ("redis://[2001:db8::1]:7000/1", ("2001:db8::1", 7000, "", 1)),
        ("redis://redis_1", ("redis_1", 6379, "", 0)),
        ("rediss://cache", ("cache", 6379, "", 0)),
        ("unix:///run/redis.sock", ("", 0, "/run/redis.sock", 0)),
        ("unix:///run/a%20b%3F.sock?db=2", ("", 0, "/run/a b?.sock", 2)),
    ],
)
def test_a_url_names_a_place_and_a_database(url: str, expected: tuple[str, int, str, int]) -> None:
    """Spelled as redis-py spells it, with its defaults."""
    assert expected == place(parse(url))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", ("", "")),
        ("redis://:secret@cache", ("", "secret")),
        ("redis://edge:secret@cache", ("edge", "secret")),
        ("redis://edge@cache", ("edge", "")),
        ("redis://ed%40ge:a%2Fb%23c%3Fd@cache", ("ed@ge", "a/b#c?d")),
        ("redis://cache?username=edge&password=a%26b", ("edge", "a&b")),
        ("redis://first:one@cache?username=second&password=two", ("first", "one")),
        ("unix://edge:secret@/run/redis.sock", ("edge", "secret")),
        ("unix:///run/redis.sock?password=secret", ("", "secret")),
    ],
)
def test_a_url_names_who_we_are(url: str, expected: tuple[str, str]) -> None:
    """Before the host, or among the arguments; the former wins."""
    endpoint = parse(url)

    assert expected == (endpoint.username, endpoint.password)


@pytest.mark.parametrize("url", ["redis://edge:hunter2@cache", "unix:///a?password=hunter2"])
def test_the_label_of_an_endpoint_holds_no_password(url: str) -> None:
    """It is what logs and messages show."""
    assert "hunter2" not in parse(url).label


@pytest.mark.parametrize("url", ["redis://cache", "unix:///run/redis.sock"])
def test_without_rediss_there_is_no_tls(url: str) -> None:
    """The scheme alone decides."""
    assert None is parse(url).tls


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", (ssl.CERT_REQUIRED, True)),
        ("?ssl_cert_reqs=required", (ssl.CERT_REQUIRED, True)),
        ("?ssl_cert_reqs=optional", (ssl.CERT_OPTIONAL, True)),
        ("?ssl_cert_reqs=none", (ssl.CERT_NONE, False)),
        ("?ssl_check_hostname=no", (ssl.CERT_REQUIRED, False)),
        ("?ssl_check_hostname=True", (ssl.CERT_REQUIRED, True)),
    ],
)
def test_a_tls_server_is_verified_unless_the_url_says_otherwise(
    arguments: str, expected: tuple[ssl.VerifyMode, bool]
) -> None:
    """Certificate and name are each checked by default."""
    tls = parse(f"rediss://cache{arguments}").tls

    assert tls is not None
    assert expected == (tls.verify_mode, tls.check_hostname)


def test_an_authority_of_ones_own_is_the_only_one_trusted(folder: Path) -> None:
    """With ``ssl_ca_certs`` the system's authorities do not count."""
    tls = parse(f"rediss://cache?ssl_ca_certs={folder}/ca.pem").tls

    assert tls is not None
    assert 1 == len(tls.get_ca_certs())


def test_a_certificate_of_ours_is_taken_with_its_key(folder: Path) -> None:
    """What a server that asks for client certificates needs."""
    url = f"rediss://cache?{PEM.format(folder=folder)}"

    assert parse(url).tls is not None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://cache", "begins with none of redis://, rediss:// and unix://"),
        ("redis://cache:0", "the port is no number from 1 to 65535"),
        ("redis://cache:65536", "the port is no number from 1 to 65535"),
        ("redis://cache:six", "the port is no number from 1 to 65535"),
        ("redis://cache/main", "the database is no number"),
        ("redis://cache/0/1", "the database is no number"),
        ("redis://cache?db=-1", "the database is no number"),
        ("redis://a..b", "the host is no name that could be looked up"),
        ("redis://[::1", "Invalid IPv6 URL"),
        ("redis://cache?tls=1", "tls is not one of db, password, username"),
        ("redis://cache?ssl_ca_certs=a", "ssl_ca_certs is not one of db, password, username"),
        ("rediss://cache?ssl_cert_reqs=no", "ssl_cert_reqs is not one of none, optional, required"),
        ("rediss://cache?ssl_check_hostname=2", "ssl_check_hostname is neither true nor false"),
        ("rediss://cache?ssl_keyfile=a", "ssl_keyfile needs ssl_certfile beside it"),
        ("unix://", "names no socket; write unix:///path/to/socket, with three slashes"),
        ("unix://run/r.sock", "names no socket; write unix:///path/to/socket, with three slashes"),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_a_sentence(url: str, sentence: str) -> None:
    """The operator reads the setting, the URL and what is wrong with it."""
    assert f"store.url: {url}: {sentence}" == problem(url)


@pytest.mark.parametrize("bad", ["hunter2/x", "hunter2#x", "12/hunter2", "12#hunter2"])
def test_a_password_that_was_not_escaped_leads_nowhere(bad: str) -> None:
    """Read as it stands the host would end inside the password, and the rest be a path."""
    expected = "a / ? # or @ inside a password is written %2F %3F %23 or %40"

    assert f"store.url: redis://:***@cache: {expected}" == problem(f"redis://:{bad}@cache")


def test_a_question_mark_inside_a_password_is_not_told_in_the_refusal() -> None:
    """What follows it looks like arguments and is a secret."""
    assert "hunter2" not in problem("redis://:a?hunter2@cache")


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        ("ssl_ca_certs=/nowhere", "ssl_ca_certs cannot be used"),
        ("ssl_ca_certs={folder}/key.pem", "ssl_ca_certs cannot be used"),
        ("ssl_certfile=/nowhere", "ssl_certfile or ssl_keyfile cannot be used"),
        ("ssl_certfile={folder}/cert.pem", "ssl_certfile or ssl_keyfile cannot be used"),
        (
            # Nobody sits at the terminal of a node to be asked for the pass phrase.
            "ssl_certfile={folder}/cert.pem&ssl_keyfile={folder}/locked.pem",
            "ssl_certfile or ssl_keyfile cannot be used",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_its_argument(
    folder: Path, arguments: str, culprit: str
) -> None:
    """OpenSSL's own words name neither the file nor what it was for."""
    assert culprit in problem(f"rediss://cache?{arguments.format(folder=folder)}")
