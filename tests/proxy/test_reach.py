"""Which addresses we send to, and which never."""

import pytest

from regcluster.proxy.reach import is_one_host, may_reach

NO_SINGLE_HOST = [
    *("224.0.1.75", "255.255.255.255", "0.0.0.0", "ff02::1", "::"),
    *("::ffff:224.0.1.75", "::ffff:255.255.255.255", "::ffff:0.0.0.0"),
]


@pytest.mark.parametrize("host", ["192.0.2.1", "127.0.0.1", "2001:db8::1", "fe80::1%2"])
def test_an_address_of_one_host_is_one(host: str) -> None:
    """Wherever that host is."""
    assert is_one_host(host)


@pytest.mark.parametrize("host", [*NO_SINGLE_HOST, "phone.test", "", "192.0.2.256"])
def test_nothing_else_is_one_host(host: str) -> None:
    """Not a group, not everybody, not a name: looking one up would serve whoever forged it."""
    assert not is_one_host(host)


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1"),
        ("2001:db8::1", "192.0.2.1"),
        ("192.0.2.1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("fe80::1%2", "fe80::2%2"),
        ("fe80::1%2", "::1"),
        ("192.0.2.1", "169.254.0.9"),
    ],
)
def test_a_phone_is_reached_from_where_phones_are(host: str, source: str) -> None:
    """Private networks too: that is where most phones live."""
    assert may_reach(host, source)


@pytest.mark.parametrize(
    ("host", "source"),
    [
        *[(host, "127.0.0.1") for host in [*NO_SINGLE_HOST, "phone.test"]],
        ("192.0.2.1", ""),
        ("127.0.0.1", "192.0.2.1"),
        ("127.8.9.1", "10.0.0.1"),
        ("::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "192.0.2.1"),
        ("127.0.0.1", "fe80::1%2"),
        ("169.254.169.254", "192.0.2.1"),
        ("fe80::1%2", "192.0.2.1"),
    ],
)
def test_nobody_gets_at_what_a_machine_keeps_to_itself(host: str, source: str) -> None:
    """A contact at loopback or on the link is for those who are there (dn-08)."""
    assert not may_reach(host, source)
