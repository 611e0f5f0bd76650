"""Values of the right type that still make no sense, alone or beside others."""

import pytest
from msgspec import structs

from regcluster.config import (
    HttpSettings,
    ListenSettings,
    NodeSettings,
    RegistrarSettings,
    RoutingSettings,
    Settings,
    StoreSettings,
)
from regcluster.config.checks import check
from regcluster.config.fields import FIELDS

ORIGINS = dict.fromkeys(FIELDS, "here")

KNOWN = (
    "redis://, rediss://, unix://, embedded://, "
    "redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster://"
)


def problems(**sections: object) -> list[str]:
    """What ``check`` says of settings that differ from the default in ``sections``."""
    return check(structs.replace(Settings(), **sections), ORIGINS)


def test_the_defaults_are_sound() -> None:
    """A node starts without a settings file."""
    assert [] == check(Settings(), ORIGINS)


def test_notice_leaves_time_to_end_in() -> None:
    """It is a part of drain_s, not on top of it."""
    assert [] == problems(node=NodeSettings(drain_s=5.0, notice_s=4.0))
    assert [] == problems(node=NodeSettings(drain_s=0.0))
    assert [
        "here: node.notice_s is 5.0, which leaves nothing of node.drain_s (5.0) to end in"
    ] == problems(node=NodeSettings(drain_s=5.0, notice_s=5.0))


def test_a_node_needs_a_listener() -> None:
    """One transport may be switched off, not all of them."""
    assert [] == problems(listen=ListenSettings(udp=[]))
    assert [
        "here: listen.udp is empty and so is every other listener (listen.udp and listen.tcp and "
        'listen.tcp_proxied); give one, such as "0.0.0.0:5060"'
    ] == problems(listen=ListenSettings(udp=[], tcp=[]))


def test_an_address_twice_in_one_list_is_told_however_it_is_spelled() -> None:
    """UDP and TCP may share an address; one transport cannot bind it twice."""
    listen = ListenSettings(udp=["[::1]:5060", "[0::1]:5060", "[::1]:5061"], tcp=["[::1]:5060"])

    assert ["here: listen.udp names [0::1]:5060 twice"] == problems(listen=listen)


def test_a_listener_for_balancers_needs_balancers() -> None:
    """A header that anybody may send would let anybody call himself anything."""
    assert [] == problems(
        listen=ListenSettings(
            udp=[], tcp=[], tcp_proxied=["[::]:5062"], proxied_from=["10.0.0.0/8", "2001:db8::/32"]
        )
    )
    assert [
        "here: listen.proxied_from is empty, so that nobody may come to listen.tcp_proxied; "
        'give the networks of the balancers, such as "10.0.0.0/8"'
    ] == problems(listen=ListenSettings(tcp_proxied=["0.0.0.0:5062"]))


def test_a_listener_is_for_balancers_or_for_everybody() -> None:
    """One address cannot be both; bad ones are told elsewhere."""
    listen = ListenSettings(
        tcp=["[::1]:5060", "bad"],
        tcp_proxied=["[0::1]:5060", "bad", "[::1]:5062"],
        proxied_from=["10.0.0.1/8"],
    )

    assert [
        'here: listen.tcp holds "bad", which is no address: the port is missing',
        'here: listen.tcp_proxied holds "bad", which is no address: the port is missing',
        "here: listen.tcp_proxied names [0::1]:5060, which listen.tcp has taken",
        'here: listen.proxied_from holds "10.0.0.1/8", which is no network, such as "10.0.0.0/8"',
    ] == problems(listen=listen)


def test_every_bad_address_is_told() -> None:
    """Not just the first."""
    listen = ListenSettings(udp=["a", "b:0"], tcp=["::1:5"])

    assert [
        'here: listen.udp holds "a", which is no address: the port is missing',
        'here: listen.udp holds "b:0", which is no address: '
        "the port must be a number from 1 to 65535",
        'here: listen.tcp holds "::1:5", which is no address: '
        "an IPv6 address is written in brackets, as in [::1]:5060",
    ] == problems(listen=listen)


def test_http_may_be_off_but_not_malformed() -> None:
    """An empty http.listen means no HTTP."""
    assert [] == problems(http=HttpSettings(listen=""))
    assert ['here: http.listen is "8080", which is no address: the port is missing'] == problems(
        http=HttpSettings(listen="8080")
    )


def test_http_and_sip_cannot_share_a_tcp_address() -> None:
    """The kernel would refuse it later with less to say; a bad neighbour changes nothing."""
    found = problems(
        http=HttpSettings(listen="localhost:80"),
        listen=ListenSettings(udp=["LOCALHOST:80"], tcp=["bad", "LOCALHOST:80"]),
    )

    assert "here: http.listen is localhost:80, which listen.tcp has taken" in found
    assert ["here: http.listen is [::1]:80, which listen.tcp_proxied has taken"] == problems(
        http=HttpSettings(listen="[::1]:80"),
        listen=ListenSettings(tcp_proxied=["[::1]:80"], proxied_from=["10.0.0.0/8"]),
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://user:word@10.0.0.1:6379/3",
        "rediss://[::1]:6380/0",
        "redis://h/",
        "unix:///run/redis.sock",
        "unix://u:p@/run/redis.sock?db=1",
        "embedded://",
        "embedded:///var/lib/regcluster",
        "embedded://data",
        "redis+sentinel://a,b:26380,[::1]:26379/main",
        "redis+sentinel://u:secret@a/main/3?sentinel_password=word",
        "rediss+sentinel://a/main",
        "redis+cluster://a,b:7000,[::1]:7000",
        "rediss+cluster://u:secret@a/0",
    ],
)
def test_urls_of_known_schemes_are_accepted(url: str) -> None:
    """One server, several that act as one, or one of our own."""
    assert [] == problems(store=StoreSettings(url=url))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", f'must begin with one of {KNOWN}, not ""'),
        ("localhost:6379", f'must begin with one of {KNOWN}, not "localhost:6379"'),
        ("REDIS://h", f'must begin with one of {KNOWN}, not "REDIS://h"'),
        ("http://u:secret@h", f'must begin with one of {KNOWN}, not "http://u:***@h"'),
        (
            "redis+sentinel://u:secret@a,b",
            "is redis+sentinel://u:***@a,b, which names no service; "
            "write redis+sentinel://host,host/service",
        ),
        (
            "redis+sentinel://a/main/x",
            "is redis+sentinel://a/main/x, which must end in the number of a database",
        ),
        (
            "redis+sentinel://a,/main",
            "is redis+sentinel://a,/main, which names no server; "
            "write redis+sentinel://host:port,host:port",
        ),
        (
            "rediss+cluster://",
            "is rediss+cluster://, which names no server; "
            "write rediss+cluster://host:port,host:port",
        ),
        (
            "redis+cluster://a,b/1",
            "is redis+cluster://a,b/1, which must name no database: a Cluster has but one",
        ),
        (
            "redis+cluster://u:secret@a,b:x",
            "is redis+cluster://u:***@a,b:x, which cannot be read as a URL: "
            "look at its ports and brackets",
        ),
        (
            "redis+cluster://a,b:0",
            "is redis+cluster://a,b:0, which names no server; "
            "write redis+cluster://host:port,host:port",
        ),
        (
            "redis://h:99999",
            "is redis://h:99999, which cannot be read as a URL: look at its port and brackets",
        ),
        (
            "redis://u:secret@[::1",
            "is redis://u:***@[::1, which cannot be read as a URL: look at its port and brackets",
        ),
        ("redis://", "is redis://, which names no server; write redis://host:port/database"),
        (
            "rediss://h:0",
            "is rediss://h:0, which names no server; write rediss://host:port/database",
        ),
        ("redis://h/main", "is redis://h/main, which must end in the number of a database"),
        ("unix://", "is unix://, which names no socket; write unix:///path/to/socket"),
    ],
)
def test_a_store_url_that_cannot_work_is_told_without_its_password(url: str, problem: str) -> None:
    """A scheme, a server or a database that is not there, said before anything connects."""
    assert [f"here: store.url {problem}"] == problems(store=StoreSettings(url=url))


@pytest.mark.parametrize("replicas", [1, 2])
def test_an_embedded_store_has_no_replicas_to_wait_for(replicas: int) -> None:
    """Every REGISTER would be answered 503, which nobody can have meant."""
    expected = (
        f"here: store.wait_replicas is {replicas}, "
        "and an embedded store has no replicas to wait for"
    )

    assert [expected] == problems(store=StoreSettings(wait_replicas=replicas))
    assert [] == problems(store=StoreSettings(url="redis://h", wait_replicas=replicas))


@pytest.mark.parametrize("advertise", ["", "sip.example.com", "192.0.2.1", "2001:db8::1", "[::1]"])
def test_advertise_is_a_host(advertise: str) -> None:
    """A name or an address, IPv6 with or without brackets."""
    assert [] == problems(node=NodeSettings(advertise=advertise))


@pytest.mark.parametrize("advertise", ["h:5060", "a b", "h\r\nVia: x", "sip:h", "[10.0.0.1]x"])
def test_advertise_that_would_break_a_via_is_refused(advertise: str) -> None:
    """It is written into every Via of ours."""
    (problem,) = problems(node=NodeSettings(advertise=advertise))

    assert problem.startswith("here: node.advertise must be a host name or IP address without port")
    assert problem.isprintable()


def test_domains_are_hosts() -> None:
    """A domain with a scheme, a user or a port never matches a Request-URI."""
    routing = RoutingSettings(domains=["example.com", "sip:example.com", "a@b", "[::1]", "::1"])

    assert [
        'here: routing.domains holds "sip:example.com", which is no domain',
        'here: routing.domains holds "a@b", which is no domain',
        'here: routing.domains holds "::1", which is no domain',
    ] == problems(routing=routing)


def test_aliases_are_hosts_with_or_without_a_port() -> None:
    """What names no host would never be met in a Route."""
    node = NodeSettings(aliases=["sip.example.com", "vip.example.com:5090", "[::1]", "sip:a.b", ""])

    assert [
        'here: node.aliases holds "sip:a.b", which is neither a host nor host:port',
        'here: node.aliases holds "", which is neither a host nor host:port',
    ] == problems(node=node)


def test_parameters_are_told_beside_all_others() -> None:
    """One message holds what is wrong with any section."""
    found = problems(
        registrar=RegistrarSettings(flow_timer=25), routing=RoutingSettings(domains=["a@b"])
    )

    assert [
        'here: routing.domains holds "a@b", which is no domain',
        "here: registrar.flow_timer is 25, which needs registrar.outbound_mode 1 or 2",
    ] == found
