"""``store.url`` for several servers: who is where, who we are there, and what is refused."""

import pytest

from regcluster.errors import ConfigError
from regcluster.store.endpoint import Endpoint, parse
from regcluster.store.places import Seeds, parse_place
from regcluster.store.sentinel import SentinelPlace


def seeds(url: str) -> Seeds:
    place = parse_place(url)
    assert isinstance(place, tuple)
    return place


def watched(url: str) -> SentinelPlace:
    place = parse_place(url)
    assert isinstance(place, SentinelPlace)
    return place


def addresses(places: Seeds) -> list[tuple[str, int]]:
    return [(place.host, place.port) for place in places]


@pytest.mark.parametrize("url", ["redis://h:7000/3", "unix:///run/redis.sock", "redis://a?db=2"])
def test_a_url_of_one_server_is_read_as_ever(url: str) -> None:
    """Nothing about it has changed."""
    assert parse(url) == parse_place(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+cluster://a", [("a", 6379)]),
        ("redis+cluster://a,b:7001,[::1]:7002/", [("a", 6379), ("b", 7001), ("::1", 7002)]),
        ("redis+cluster://[2001:db8::1],c/0?db=0", [("2001:db8::1", 6379), ("c", 6379)]),
    ],
)
def test_a_cluster_has_any_number_of_seeds(url: str, expected: list[tuple[str, int]]) -> None:
    """Each with its own port, IPv6 in brackets."""
    assert expected == addresses(seeds(url))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+sentinel://a/main", [("a", 26379)]),
        ("redis+sentinel://a,b:1,[::1]:2/main/3", [("a", 26379), ("b", 1), ("::1", 2)]),
    ],
)
def test_sentinels_have_a_port_of_their_own(url: str, expected: list[tuple[str, int]]) -> None:
    """It is Sentinel's where none is given."""
    assert expected == addresses(watched(url).sentinels)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+sentinel://a/main", ("main", 0)),
        ("redis+sentinel://a/main/3", ("main", 3)),
        ("redis+sentinel://a/my%20main/?db=4", ("my main", 4)),
    ],
)
def test_a_service_has_a_name_and_a_database(url: str, expected: tuple[str, int]) -> None:
    """The database is the servers'; Sentinels have none."""
    place = watched(url)

    assert expected == (place.service, place.server.db)
    assert 0 == place.sentinels[0].db


@pytest.mark.parametrize(
    "url", ["redis+cluster://u:p%2F,w@a,b", "redis+cluster://a,b?username=u&password=p/,w"]
)
def test_all_servers_of_a_cluster_know_us_by_the_same_name(url: str) -> None:
    """A comma inside a password divides nothing."""
    assert [("u", "p/,w")] * 2 == [(place.username, place.password) for place in seeds(url)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ("", "")),
        ("?sentinel_password=two", ("", "two")),
        ("?sentinel_username=eye&sentinel_password=t%26wo", ("eye", "t&wo")),
    ],
)
def test_sentinels_are_told_their_own_password_only(
    arguments: str, expected: tuple[str, str]
) -> None:
    """And the servers theirs."""
    place = watched(f"redis+sentinel://edge:one@a,b/main{arguments}")

    assert [expected] * 2 == [(seen.username, seen.password) for seen in place.sentinels]
    assert ("edge", "one") == (place.server.username, place.server.password)


def test_rediss_speaks_tls_to_everybody() -> None:
    """With the same authorities and certificate."""
    place = watched("rediss+sentinel://a,b/main?ssl_check_hostname=false")
    contexts = {id(seen.tls) for seen in (*place.sentinels, place.server)}
    cluster = {id(seed.tls) for seed in seeds("rediss+cluster://a,b?ssl_cert_reqs=none")}

    assert place.server.tls is not None
    assert (1, 1) == (len(contexts), len(cluster))
    assert {id(None)} != cluster


@pytest.mark.parametrize(("text", "expected"), [("false", False), ("true", True)])
def test_sentinels_alone_may_go_without_tls(text: str, expected: bool) -> None:
    """Many of them do."""
    place = watched(f"rediss+sentinel://a/main?sentinel_ssl={text}")

    assert (expected, True) == (place.sentinels[0].tls is not None, place.server.tls is not None)


@pytest.mark.parametrize("url", ["redis+cluster://a,b", "redis+sentinel://a,b/main"])
def test_without_rediss_there_is_no_tls(url: str) -> None:
    """The scheme alone decides."""
    place = parse_place(url)
    servers = place if isinstance(place, tuple) else (*place.sentinels, place.server)  # type: ignore[union-attr]

    assert {None} == {server.tls for server in servers}


def test_another_address_is_entered_in_the_same_way() -> None:
    """Servers that are found later are known by the URL's name, password and database."""
    one = parse("redis://u:p@a:1/3")
    other = one.at("::1", 2)

    assert ("[::1]:2", "::1", 2) == (other.label, other.host, other.port)
    assert (one.username, one.password, one.db) == (other.username, other.password, other.db)
    assert isinstance(other, Endpoint)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis+sentinel://a,b", "names no service; write redis+sentinel://host,host/service"),
        ("redis+sentinel://a/main/x", "the database is no number"),
        ("redis+sentinel://a/main?sentinel_ssl=maybe", "sentinel_ssl is neither true nor false"),
        ("redis+cluster://", "names no server; write host:port, with commas between several"),
        ("redis+cluster://a,,b", "names no server; write host:port, with commas between several"),
        ("redis+cluster://a/1", "a Cluster has no database but 0"),
        ("redis+cluster://a?db=1", "a Cluster has no database but 0"),
        ("redis+cluster://a,b:x", "the port is no number from 1 to 65535"),
        ("redis+cluster://a,..", "the host is no name that could be looked up"),
        (
            "redis+cluster://a?ssl_ca_certs=f",
            "ssl_ca_certs is not one of db, password, username",
        ),
        (
            "redis+cluster://a?sentinel_ssl=true",
            "sentinel_ssl is not one of db, password, username",
        ),
        ("unix+cluster://a", "begins with neither redis+ nor rediss+"),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, problem: str) -> None:
    """In a sentence, before anything is connected."""
    with pytest.raises(ConfigError) as caught:
        parse_place(url)

    assert f"store.url: {url}: {problem}" == str(caught.value)


@pytest.mark.parametrize("bad", ["a/b", "a#b", "a?b", "a@b/c"])
@pytest.mark.parametrize("kind", ["redis+cluster", "redis+sentinel"])
def test_a_password_that_was_not_escaped_is_refused_and_not_shown(kind: str, bad: str) -> None:
    """Cut at the wrong place it would lead to another host."""
    with pytest.raises(ConfigError) as caught:
        parse_place(f"{kind}://u:{bad}@h1,h2/main")

    assert str(caught.value).startswith(f"store.url: {kind}://u:***@h1,h2/main: ")
    assert "inside a password" in str(caught.value)
    assert bad not in str(caught.value)
