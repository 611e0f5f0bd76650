"""Kamailio's parameters as settings of ours, and a word on each that is left out."""

from pathlib import Path

import pytest

from regcluster.config import Settings
from regcluster.config.fields import FIELDS
from regcluster.config.modparam import Remark, read
from regcluster.config.reader import load
from regcluster.config.translate import OURS, Translation, render, translate

STOCK = Path(__file__).with_name("stock.cfg")
"""A registrar as people run it: written for this test, with the parameters of the stock
configuration (registrar-semantics §9.6)."""

MODULES = {"registrar": "registrar", "location": "usrloc"}

NUMBERS = [key for key, field in FIELDS.items() if field.section in MODULES and field.kind is int]


def translated(*lines: tuple[str, str, str]) -> Translation:
    """What comes of parameters, by module, name and value."""
    text = "\n".join(f'modparam("{module}", "{name}", {value})' for module, name, value in lines)
    return translate(read(text, {}))


def loaded(done: Translation, tmp_path: Path) -> Settings:
    """The settings of a node that is started with them, if it can be."""
    file = tmp_path / "regcluster.toml"
    file.write_text(render(done, "kamailio.cfg"))
    return load(file, {}, ()).settings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_expires", "3600", 3600),
        ("max_expires", '"3600"', 3600),
        ("max_contacts", "0", 0),
        ("use_path", "5", 1),
        ("use_path", "yes", 1),
        ("case_sensitive", "0", 0),
        ("min_expires_mode", "2", 1),
        ("gruu_enabled", "1", 1),
        ("gruu_enabled", "2", 0),
        ("default_q", "5000", 1000),
        ("default_q", "-5", -1),
        ("sock_mode", "2", 0),
        ("lookup_filter_mode", "7", 3),
        ("xavp_rcd_mask", "33", 1),
        ("received_avp", '"$avp(RECEIVED)"', "$avp(RECEIVED)"),
        ("received_avp", '"$avp(i:42)"', "$avp(i:42)"),
        ("received_param", '""', ""),
        ("xavp_rcd", "'ulrcd'", "ulrcd"),
    ],
)
def test_a_value_means_what_it_meant(name: str, text: str, value: object) -> None:
    """Any number that is not 0 turns a Kamailio switch on, and it clamps what it does not like."""
    done = translated(("registrar", name, text))

    assert ([], value) == (done.left_out, done.values[f"registrar.{name}"])


def test_usrloc_is_our_location() -> None:
    """The same names in another section."""
    done = translated(("usrloc", "matching_mode", "1"), ("usrloc", "desc_time_order", "3"))

    assert {
        "location.use_domain": 0,
        "location.matching_mode": 1,
        "location.desc_time_order": 1,
    } == done.values


@pytest.mark.parametrize(("lines", "value"), [([], 0), ([("usrloc", "use_domain", "1")], 1)])
def test_use_domain_is_always_said(lines: list[tuple[str, str, str]], value: int) -> None:
    """Kamailio's default is not ours, and AORs would have other names."""
    assert {"location.use_domain": value} == translated(*lines).values


def test_the_last_value_counts() -> None:
    """As in Kamailio."""
    done = translated(("registrar", "max_contacts", "1"), ("registrar", "max_contacts", "2"))

    assert 2 == done.values["registrar.max_contacts"]


@pytest.mark.parametrize(
    ("module", "name", "text", "why"),
    [
        ("usrloc", "db_mode", "2", "has no meaning here: bindings live in Redis, see store.url"),
        ("usrloc", "ka_mode", "1", "this version does not ping phones"),
        ("usrloc", "preload", "5", "is called location.tables here"),
        (
            "usrloc",
            "handle_lost_tcp",
            "1",
            "is a Kamailio parameter this version does not have yet",
        ),
        (
            "registrar",
            "aor_avp",
            '"$avp(a)"',
            "Kamailio itself has dropped this parameter; "
            "name the AOR with the uri argument of save() and lookup()",
        ),
        (
            "registrar",
            "max_contact",
            "1",
            "is not a setting; did you mean registrar.max_contacts?",
        ),
        ("registrar", "max_contacts", "LIMIT", "its value is not a constant"),
        ("registrar", "max_contacts", "-1", "must be a whole number, 0 or more, not -1"),
        ("registrar", "max_contacts", '"a"', 'must be a whole number, 0 or more, not "a"'),
        ("registrar", "outbound_mode", "3", "must be a whole number from 0 to 2, not 3"),
        ("registrar", "received_avp", '"rcv"', 'is "rcv", which names no AVP; write it as in $avp'),
        ("registrar", "flow_timer", "25", "is 25, which needs registrar.outbound_mode 1 or 2"),
        ("registrar", "sock_hdr_name", '"X-Sock"', 'is "X-Sock", but without registrar.sock_flag'),
        ("registrar", "event_callback", '"on_expired"', 'is "on_expired", but there is no routing'),
    ],
)
def test_what_has_no_place_is_told_with_its_line(
    module: str, name: str, text: str, why: str
) -> None:
    """Nothing is lost without a word."""
    (left_out,) = translated((module, name, text)).left_out

    assert (1, f"{module} {name} = {text}") == (left_out.line, left_out.parameter)
    assert left_out.why.startswith(why)


def test_what_an_expression_decides_is_left_out() -> None:
    """A person has to say whether it holds."""
    text = '#!ifexp X\nmodparam("registrar", "max_contacts", 1)\n#!endif\n'

    assert ["it depends on an #!ifexp, which is not evaluated"] == [
        one.why for one in translate(read(text, {})).left_out
    ]


def test_what_leans_on_something_left_out_is_left_out_too() -> None:
    """Nobody says where a socket is named, so the flag that allows it goes as well."""
    done = translated(("registrar", "sock_flag", "3"), ("registrar", "xavp_cfg", '"$xavp(c)"'))

    assert {"location.use_domain": 0} == done.values
    assert ["registrar xavp_cfg", "registrar sock_flag"] == [
        one.parameter.partition(" = ")[0] for one in done.left_out
    ]


def test_a_password_is_not_passed_on() -> None:
    """Database URLs are told of, too."""
    done = translated(("usrloc", "db_url", '"mysql://kamailio:hunter2@localhost/kamailio"'))

    assert "hunter2" not in render(done, "kamailio.cfg")
    assert "hunter2" not in done.notes[0].text


def test_tables_come_from_the_script_and_from_preload() -> None:
    """The usual one first, since the built-in script uses the first."""
    text = 'save("aliases"); lookup("location"); modparam("usrloc", "preload", "staff")'

    assert ["location", "aliases", "staff"] == translate(read(text, {})).values["location.tables"]


def test_notes_are_told_in_the_order_of_their_lines() -> None:
    """What was left out, and what was not carried out."""
    text = 'include_file "a.cfg"\nmodparam("usrloc", "db_mode", 1)\ninclude_file "b.cfg"\n'

    assert [1, 2, 3] == [note.line for note in translate(read(text, {})).notes]


def test_where_nothing_is_left_out_nothing_is_said() -> None:
    """Not even that nothing is."""
    assert "Left out" not in render(translated(("registrar", "use_path", "1")), "kamailio.cfg")


def test_nothing_breaks_out_of_a_comment() -> None:
    """Names of files and parameters may hold anything."""
    done = Translation(remarks=[Remark(1, "a\nb = 1")])

    assert "# line 1: a?b = 1" in render(done, "k\n[x]").splitlines()
    assert "# Written by regcluster import from k?[x]." in render(done, "k\n[x]").splitlines()


def test_ways_to_do_as_kamailio_are_settings() -> None:
    """They are offered as comments: whoever takes the marks off has a file that loads."""
    lines = [f"{section}.{line}" for section, some in OURS.items() for line in some]
    given = [line.replace(" = ", "=", 1).replace('="', "=").rstrip('"') for line in lines]

    assert Settings() != load(None, {}, given).settings


def test_a_stock_configuration_becomes_settings_that_load(tmp_path: Path) -> None:
    """With every parameter it sets either in them or told of."""
    reading = read(STOCK.read_text(), {"WITH_NAT": "", "WITH_MYSQL": ""})
    done = translate(reading)
    settings = loaded(done, tmp_path)

    registrar, location = settings.registrar, settings.location
    assert (1, 3600, 10, 0, 1, 0, "$avp(RECEIVED)") == (
        registrar.method_filtering,
        registrar.max_expires,
        registrar.max_contacts,
        registrar.gruu_enabled,
        registrar.use_path,
        registrar.path_mode,
        registrar.received_avp,
    )
    assert (0, 6, ["location"]) == (location.use_domain, location.nat_bflag, location.tables)
    assert ["timer_interval", "timer_procs", "db_url", "db_mode", "ka_mode"] == [
        one.parameter.split()[1] for one in done.left_out
    ]
    assert len(reading.parameters) == len(done.left_out) + len(done.values) - len(
        {"location.use_domain", "location.tables"}
    )


def test_without_its_parts_the_stock_configuration_says_less() -> None:
    """What is not defined is not read."""
    done = translate(read(STOCK.read_text(), {}))

    assert "registrar.received_avp" not in done.values
    assert [] == [one for one in done.left_out if "db_mode" in one.parameter]


@pytest.mark.parametrize("key", NUMBERS)
def test_each_parameter_is_found_under_its_own_name(key: str) -> None:
    """Whatever is a number there is read, and the default is no mistake."""
    section, name = key.split(".")
    default = FIELDS[key].default
    done = translated((MODULES[section], name, str(default)))

    assert default == done.values[key]
