"""URIs that lead to one device (RFC 5627)."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.binding import Binding
from regcluster.registrar.gruu import (
    MAX_USER,
    PREFIX,
    Opened,
    TemporaryGruus,
    instance_named,
    public_gruu,
    temporary_gruu,
)
from regcluster.sip.uri import SipUri, parse_uri
from tests.registrar.test_binding import BINDING

AOR = "alice@example.com"
PHONE = replace(BINDING, ruid="uloc-1-f", call_id="c1")
SECRET = b"s" * 32


def sip_uri(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def nonces() -> Callable[[], bytes]:
    """Twelve octets, never the same ones twice."""
    numbers = count()
    return lambda: next(numbers).to_bytes(12)


def cluster(secret: bytes = SECRET) -> TemporaryGruus:
    return TemporaryGruus(lambda: secret, nonces())


def opened(user: str, gruus: TemporaryGruus) -> Opened:
    found = gruus.open(user)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("aor", "host", "gruu"),
    [
        (AOR, "example.com", "sip:alice@example.com;gr=urn:uuid:aa"),
        # The host of the AOR goes before that of the URI it was read from.
        (AOR, "sip.Example.com", "sip:alice@example.com;gr=urn:uuid:aa"),
        ("alice", "example.com", "sip:alice@example.com;gr=urn:uuid:aa"),
        ("example.com", "example.com", "sip:example.com;gr=urn:uuid:aa"),
        ("a%40b@example.com", "example.com", "sip:a%40b@example.com;gr=urn:uuid:aa"),
    ],
)
def test_a_public_gruu_is_the_aor_with_the_instance(aor: str, host: str, gruu: str) -> None:
    """So it is the same one each time, on each node (RFC 5627 §3.1.1)."""
    assert gruu == public_gruu(aor, host, "<urn:uuid:aa>")


@pytest.mark.parametrize(
    ("instance", "shown", "read"),
    [
        ("<urn:uuid:AA-bb>", "urn:uuid:AA-bb", "urn:uuid:AA-bb"),
        ("urn:x", "urn:x", "urn:x"),
        ("<urn:x", "%3Curn:x", "<urn:x"),
        ('<a b;c=d,"%>', "a%20b%3Bc%3Dd%2C%22%25", 'a b;c=d,"%'),
        ("<é\udcff>", "%C3%A9%FF", "é\udcff"),
    ],
)
def test_what_no_uri_can_hold_is_escaped_in_a_public_gruu(
    instance: str, shown: str, read: str
) -> None:
    """One pair of angle brackets is left out, and what is read back is the instance again."""
    uri = sip_uri(public_gruu(AOR, "example.com", instance))

    assert (shown, read) == (uri.params["gr"], instance_named(uri))


@given(st.binary(min_size=1))
def test_any_instance_makes_a_public_gruu_of_its_aor(octets: bytes) -> None:
    """Whatever a phone calls itself, its GRUU can be read, names its AOR and itself."""
    instance = octets.decode("utf-8", "surrogateescape")
    uri = sip_uri(public_gruu(AOR, "example.com", f"<{instance}>"))

    assert (AOR, instance) == (
        canonical_aor(uri, RegistrarSettings(), LocationSettings()),
        instance_named(uri),
    )


@pytest.mark.parametrize(
    ("uri", "instance"),
    [
        ("sip:alice@example.com", None),
        ("sip:tgruu.x@example.com;gr", ""),
        ("sip:tgruu.x@example.com;GR", ""),
        ("sip:alice@example.com;gr=urn:uuid:aa", "urn:uuid:aa"),
        ("sip:alice@example.com;gr=%3Curn:uuid:aa%3E", "<urn:uuid:aa>"),
    ],
)
def test_gr_says_which_kind_of_gruu_a_uri_is(uri: str, instance: str | None) -> None:
    """Empty it is a temporary one, with a value a public one, without it none."""
    assert instance == instance_named(sip_uri(uri))


def test_a_temporary_gruu_leads_to_its_binding_on_every_node() -> None:
    """Nothing has to be looked up but what it says itself."""
    user = cluster().mint(AOR, PHONE)

    found = opened(user, cluster())

    assert (AOR, "uloc-1-f", True) == (found.aor, found.ruid, found.names(PHONE))


def test_a_temporary_gruu_is_a_uri_with_a_bare_gr() -> None:
    """Its user part may go through a proxy that changes case or escapes (RFC 5627 §3.1.2)."""
    user = cluster().mint(AOR, PHONE)
    uri = sip_uri(temporary_gruu(user, "example.com"))

    assert (user, "example.com", {"gr": None}) == (uri.user, uri.host, uri.params)


@pytest.mark.parametrize("change", [str.upper, lambda user: user.replace(".", "%2E")])
def test_another_spelling_opens_too(change: Callable[[str], str]) -> None:
    """Neither case nor an escape makes another GRUU of it."""
    user = cluster().mint(AOR, PHONE)

    assert opened(user, cluster()) == cluster().open(change(user))


def test_each_temporary_gruu_is_a_new_one() -> None:
    """Two of one phone have no more in common than two of different ones, and both lead to it."""
    gruus = cluster()
    first, second = gruus.mint(AOR, PHONE), gruus.mint(AOR, PHONE)

    assert (False, True) == (first == second, gruus.open(first) == gruus.open(second))


def test_temporary_gruus_of_most_users_are_of_one_length() -> None:
    """Length does not tell who somebody is (RFC 5627 §5.4)."""
    gruus = cluster()

    lengths = {len(gruus.mint(f"{'u' * length}@example.com", PHONE)) for length in range(1, 16)}

    assert 1 == len(lengths)


@pytest.mark.parametrize(
    "now", [replace(PHONE, call_id="c2"), replace(PHONE, ruid="uloc-1-10")], ids=["call", "ruid"]
)
def test_a_temporary_gruu_ends_with_its_call_id_and_with_its_binding(now: Binding) -> None:
    """A phone that starts anew has new ones, and so has one that was gone (RFC 5627 §5.4)."""
    found = opened(cluster().mint(AOR, PHONE), cluster())

    assert not found.names(now)


def test_a_refresh_keeps_temporary_gruus() -> None:
    """As long as the Call-ID stays, whatever else of the binding changes."""
    found = opened(cluster().mint(AOR, PHONE), cluster())

    assert found.names(replace(PHONE, uri="sip:moved@h", cseq=9, modified_at=9_000))


@pytest.mark.parametrize("aor", ["a@b", "é\udcff@b", "u" * 248 + "@" + "h" * 248])
def test_any_aor_fits_into_a_temporary_gruu(aor: str) -> None:
    """Also the longest there is, and one of octets that are no text."""
    user = cluster().mint(aor, PHONE)

    assert (aor, True) == (opened(user, cluster()).aor, len(user) <= MAX_USER)


_USER = cluster().mint(AOR, PHONE)


@pytest.mark.parametrize(
    "user",
    [
        "alice",
        PREFIX,
        PREFIX + "aa",
        PREFIX + "a" * 40,
        PREFIX + "1",
        PREFIX + "é",
        _USER.removeprefix(PREFIX),
        _USER[:-8],
        _USER + "a" * 8,
        PREFIX + "b" + _USER.removeprefix(PREFIX)[1:],
        _USER[:-4] + "aaaa",
        cluster().mint("a" * MAX_USER, PHONE),
    ],
)
def test_what_we_did_not_make_opens_to_nothing(user: str) -> None:
    """Whoever makes one up learns nothing, and no error."""
    assert cluster().open(user) is None


def test_another_cluster_cannot_open_ours() -> None:
    """The key is made of the store's secret."""
    assert cluster(b"another").open(cluster().mint(AOR, PHONE)) is None


def test_without_a_secret_there_are_no_temporary_gruus() -> None:
    """None is made and none opens until the store has told it, and none once it is gone."""
    secret = b""
    gruus = TemporaryGruus(lambda: secret, nonces())
    before = gruus.mint(AOR, PHONE)
    secret = SECRET
    user = gruus.mint(AOR, PHONE)
    meanwhile = gruus.open(user)
    secret = b""
    after = gruus.mint(AOR, PHONE)

    assert ("", True, "", None) == (before, meanwhile is not None, after, gruus.open(user))
