"""What the parameters of a Contact say to a registrar."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.contact import (
    MAX_INSTANCE,
    MAX_PARAMS,
    asked_lifetime,
    kept_params,
    octets,
    own_received,
    read_instance,
    read_reg_id,
)
from regcluster.sip.grammar import parse_params

DEFAULTS = RegistrarSettings()
TRUSTED = ["10.0.0.0/8", "172.16.0.0/12", "2001:db8::/32", "192.0.2.1"]


def own(value: str, source: str, trusted: list[str] | None = None) -> str:
    return own_received(
        parse_params(f";received={value}"), source, TRUSTED if trusted is None else trusted
    )


@pytest.mark.parametrize(("text", "length"), [("abc", 3), ("é", 2), ("\udcff", 1)])
def test_length_is_counted_on_the_wire(text: str, length: int) -> None:
    """Octets, those that are no UTF-8 too."""
    assert length == octets(text)


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        (";expires=100", 100),
        (";expires=+60", 60),
        (";expires=0", 0),
        (";expires=abc", None),
        (";expires=", 200),
        (";expires", 200),
        ("", 200),
        (";expires=99999999999", 2**32 - 1),
    ],
)
def test_a_contact_may_ask_for_its_own_lifetime(params: str, asked: int | None) -> None:
    """The expires parameter, else the header; what cannot be read asks for ours."""
    assert asked == asked_lifetime(parse_params(params), 200)


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ("", ""),
        (";q=1;expires=60;reg-id=1", ""),
        (';audio;methods="INVITE, BYE";q=0.5', ';audio;methods="INVITE, BYE"'),
        (';+sip.instance="<urn:uuid:1>";ob;reg-id=2', ";ob"),
        (';received="sip:victim";Pub-GRUU="sip:x";temp-gruu="sip:y";x=1', ";x=1"),
    ],
)
def test_parameters_that_are_not_ours_are_kept(params: str, kept: str) -> None:
    """Feature tags come back as they were sent (RFC 3840 §9); what we read or set does not."""
    assert kept == kept_params(parse_params(params), DEFAULTS)


def test_what_we_call_the_source_is_ours() -> None:
    """received_param may give it another name, under which a phone could lie to others."""
    settings = RegistrarSettings(received_param="Source")

    assert ";x" == kept_params(parse_params(';x;source="sip:victim"'), settings)


def test_parameters_have_a_length() -> None:
    """4096 octets are not too many."""
    params = {"x": "y" * (MAX_PARAMS - 3)}

    assert MAX_PARAMS == len(kept_params(dict(params), DEFAULTS))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("y" * (MAX_PARAMS - 2), "Contact/received too long"),
        ('"\\\0"', "Contact parse error"),
        ('"\r"', "Contact parse error"),
        ('"\n"', "Contact parse error"),
    ],
)
def test_parameters_nobody_could_be_given_are_refused(value: str, error: str) -> None:
    """Too long for the answers of everybody, or with a NUL, which no answer may have."""
    with pytest.raises(MalformedHeader, match=error):
        kept_params({"x": value}, DEFAULTS)


@pytest.mark.parametrize(
    ("params", "instance"),
    [
        (';+sip.instance="<urn:uuid:A>"', "<urn:uuid:A>"),
        (';+SIP.Instance="urn:uuid:a"', "urn:uuid:a"),
        (";+sip.instance=a", "a"),
        (';+sip.instance="<a\\"b>"', '<a"b>'),
        (';+sip.instance="<>"', ""),
        (';+sip.instance=""', ""),
        (";+sip.instance", ""),
        ("", ""),
    ],
)
def test_an_instance_is_read_as_it_is_quoted(params: str, instance: str) -> None:
    """With its angle brackets, without them too; empty is none (RFC 5626 §4.1)."""
    assert instance == read_instance(parse_params(params))


def test_the_longest_instance_is_taken() -> None:
    """255 octets are not too many."""
    assert MAX_INSTANCE == len(read_instance({"+sip.instance": f'"{"i" * MAX_INSTANCE}"'}))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (f'"{"i" * (MAX_INSTANCE + 1)}"', "Contact/received too long"),
        (f'"{chr(92) + "i"}{"i" * 2 * MAX_INSTANCE}"', "Contact/received too long"),
        ('"<\\\0>"', "Contact parse error"),
    ],
)
def test_an_instance_nobody_could_be_given_is_refused(value: str, error: str) -> None:
    """It is a part of its binding's key and of every answer."""
    with pytest.raises(MalformedHeader, match=error):
        read_instance({"+sip.instance": value})


@pytest.mark.parametrize(
    ("params", "reg_id"),
    [("", 0), (";reg-id=1", 1), (";Reg-ID=007", 7), (";reg-id=4294967295", 4294967295)],
)
def test_a_flow_has_a_number(params: str, reg_id: int) -> None:
    """1 to 2**32-1, or none."""
    assert reg_id == read_reg_id(parse_params(params))


@pytest.mark.parametrize("value", ["=0", "=", "", "=x", "=-1", "=4294967296", "=1.5"])
def test_a_flow_with_another_number_is_refused(value: str) -> None:
    """In Kamailio it earns a 200 and no binding (S-04, ob-11)."""
    with pytest.raises(MalformedHeader, match="400 Invalid Reg-Id number"):
        read_reg_id(parse_params(f";reg-id{value}"))


@pytest.mark.parametrize("source", ["10.1.2.3", "172.16.9.9", "2001:db8::7", "192.0.2.1"])
def test_a_trusted_proxy_may_say_where_calls_go(source: str) -> None:
    """Whoever sends from a network in trust_contact_from, however that is written."""
    assert "sip:6.6.6.6:5060" == own('"sip:6.6.6.6:5060"', source)


@pytest.mark.parametrize(
    ("source", "trusted"),
    [("11.1.2.3", TRUSTED), ("10.1.2.3", []), ("proxy.example.com", TRUSTED), ("", TRUSTED)],
)
def test_nobody_else_may(source: str, trusted: list[str]) -> None:
    """A phone could aim calls at any victim (S-09)."""
    assert "" == own('"sip:victim"', source, trusted)


@pytest.mark.parametrize("params", ["", ";received", ";received="])
def test_a_trusted_proxy_need_not(params: str) -> None:
    """No value, nothing said."""
    assert "" == own_received(parse_params(params), "10.1.2.3", TRUSTED)


@pytest.mark.parametrize("value", ['"6.6.6.6:5060"', '"tel:+1"', '"sip:a b"', "x"])
def test_where_calls_go_must_be_a_sip_uri(value: str) -> None:
    """Nothing could be sent to anything else."""
    with pytest.raises(MalformedHeader, match="400 Contact parse error"):
        own(value, "10.1.2.3")
