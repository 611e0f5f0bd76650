"""The canonical AOR (RFC 3261 §10.3 step 5)."""

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.plan import Refusal
from regcluster.sip.uri import parse_uri

DEFAULTS = RegistrarSettings()
BY_DOMAIN = LocationSettings()
BY_USER = LocationSettings(use_domain=0)


@pytest.mark.parametrize(
    ("uri", "aor"),
    [
        ("sip:alice@example.com", "alice@example.com"),
        ("sips:alice@example.com", "alice@example.com"),
        ("sip:%61lice@EXAMPLE.com;user=phone;x=y", "alice@example.com"),
        ("sip:alice:secret@example.com:5999;transport=tcp", "alice@example.com"),
        ("sip:Alice@example.com", "alice@example.com"),
        ("sip:example.com", "example.com"),
        ("sip:+1-212@192.0.2.1:5060", "+1-212@192.0.2.1"),
        ("sip:us;phone-context=x@example.com", "us;phone-context=x@example.com"),
        ("sip:a%40b@example.com", "a%40b@example.com"),
        ("sip:a%2540b@example.com", "a%2540b@example.com"),
        ("sip:a%3Ab@example.com", "a%3ab@example.com"),
        ("sip:a%00b@example.com", "a%00b@example.com"),
        ("sip:a%0D%0Ab@example.com", "a%0d%0ab@example.com"),
    ],
)
def test_an_aor_is_user_at_host(uri: str, aor: str) -> None:
    """Everything but user and host is dropped, and no escape can break the key."""
    assert aor == canonical_aor(parse_uri(uri), DEFAULTS, BY_DOMAIN)


@pytest.mark.parametrize(
    ("uri", "aor"),
    [
        ("sip:a@[2001:db8::1]", "a@[2001:0db8:0000:0000:0000:0000:0000:0001]"),
        ("sip:a@[2001:DB8:0:0::0001]:5060", "a@[2001:0db8:0000:0000:0000:0000:0000:0001]"),
        ("sip:a@[::ffff:192.0.2.10]", "a@[0000:0000:0000:0000:0000:ffff:c000:020a]"),
        ("sip:a@[::FFFF:C000:20A]", "a@[0000:0000:0000:0000:0000:ffff:c000:020a]"),
    ],
)
def test_an_ipv6_address_is_one_however_it_is_written(uri: str, aor: str) -> None:
    """Written out, so that every version of Python makes the same key of it (RFC 5952 §2)."""
    assert aor == canonical_aor(parse_uri(uri), DEFAULTS, BY_DOMAIN)


@pytest.mark.parametrize(
    ("uri", "aor"),
    [
        ("sip:Alice@Example.COM", "Alice@example.com"),
        ("sip:%41lice@example.com", "Alice@example.com"),
        ("sip:a%3ab@example.com", "a%3Ab@example.com"),
    ],
)
def test_case_sensitive_keeps_the_case_of_the_user(uri: str, aor: str) -> None:
    """With case_sensitive Alice and alice are two users; hosts and escapes never have case."""
    settings = RegistrarSettings(case_sensitive=1)

    assert aor == canonical_aor(parse_uri(uri), settings, BY_DOMAIN)


@pytest.mark.parametrize("case_sensitive", [0, 1])
def test_no_escape_makes_one_user_of_two(case_sensitive: int) -> None:
    """Decoding is done once and never yields what ends a user part or a key (10-16)."""
    users = ["ab", "a%2540b", "a%40b", "a%3Ab", "a%00b", "a%0D%0Ab", "a%0Ab", "a%20b", "a%25b"]
    settings = RegistrarSettings(case_sensitive=case_sensitive)
    aors = {canonical_aor(parse_uri(f"sip:{user}@h"), settings, BY_DOMAIN) for user in users}

    assert len(users) == len(aors)


@pytest.mark.parametrize(
    ("prefix", "host", "kept"),
    [
        ("sip.", "sip.example.com", "example.com"),
        ("SIP.", "sip.example.com", "example.com"),
        ("sip.", "example.com", "example.com"),
        ("sip.example.com", "sip.example.com", "sip.example.com"),
    ],
)
def test_realm_prefix_is_taken_off_the_host(prefix: str, host: str, kept: str) -> None:
    """realm_prefix goes if it leads the host and is shorter than it."""
    settings = RegistrarSettings(realm_prefix=prefix)

    assert (f"a@{kept}", kept) == (
        canonical_aor(parse_uri(f"sip:a@{host}"), settings, BY_DOMAIN),
        canonical_aor(parse_uri(f"sip:{host}"), settings, BY_DOMAIN),
    )


def test_without_use_domain_the_user_alone_is_the_aor() -> None:
    """use_domain 0 makes one user of the same name in every domain; case folds as ever."""
    assert "alice" == canonical_aor(parse_uri("sip:Alice@example.com"), DEFAULTS, BY_USER)


def test_without_use_domain_a_user_is_needed() -> None:
    """Otherwise all such requests would share one empty AOR."""
    error = "No username in To URI"

    assert Refusal(400, error, error) == canonical_aor(
        parse_uri("sip:example.com"), DEFAULTS, BY_USER
    )


def test_an_aor_is_a_sip_uri() -> None:
    """A tel URI names no user of a registrar."""
    error = "Error while parsing AOR"

    assert Refusal(400, error, error) == canonical_aor(parse_uri("tel:+123"), DEFAULTS, BY_DOMAIN)


@pytest.mark.parametrize(
    "uri", [f"sip:{'u' * 249}@h", f"sip:u@{'h' * 249}", f"sip:{'%75' * 249}@h"]
)
def test_an_aor_has_a_length(uri: str) -> None:
    """User and host end at 248 characters each, as in Kamailio."""
    assert Refusal(500, "Server Internal Error", "Address Of Record too long") == canonical_aor(
        parse_uri(uri), DEFAULTS, BY_DOMAIN
    )


def test_the_longest_aor_is_taken() -> None:
    """248 characters are not too many."""
    user = "u" * 248

    assert f"{user}@h" == canonical_aor(parse_uri(f"sip:{user}@h"), DEFAULTS, BY_DOMAIN)
