"""What is read out of a Kamailio configuration, and what is left to Kamailio."""

from time import process_time

import pytest

from regcluster.config.modparam import Parameter, Reading, Remark, read


def values(text: str, **defines: str) -> list[tuple[str, str, str | int | None]]:
    """Module, name and value of each parameter in ``text``."""
    return [(one.module, one.name, one.value) for one in read(text, defines).parameters]


def value(text: str, **defines: str) -> str | int | None:
    """The value of the one parameter that is given ``text``."""
    ((_, _, found),) = values(f'modparam("registrar", "x", {text})', **defines)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10", 10),
        ("-1", -1),
        ("- 1", -1),
        ("0x1F", 31),
        ("yes", 1),
        ("OFF", 0),
        ('"a"', "a"),
        ("'a'", "a"),
        ('""', ""),
        ('"a" "b"', "ab"),
        (r'"a\"b\\c\n"', 'a"b\\c\n'),
        (r"'a\b'", r"a\b"),
        ('"# no // comment /* here"', "# no // comment /* here"),
        ('"$avp(s:rcv)"', "$avp(s:rcv)"),
        ("10 # ten", 10),
    ],
)
def test_a_constant_has_a_value(text: str, expected: str | int) -> None:
    """Numbers and strings as Kamailio spells them."""
    line = f'modparam("registrar", "x", {text}\n)'

    assert [("registrar", "x", expected)] == values(line)


@pytest.mark.parametrize("text", ["NAME", "$var(x)", "60 * 60", "10s", '"a" + "b"', "", "-", "(1)"])
def test_what_is_no_constant_has_none(text: str) -> None:
    """It is not guessed."""
    assert value(text) is None


def test_modparamx_evaluates_so_it_has_no_value() -> None:
    """Its strings hold variables."""
    assert [("registrar", "x", None)] == values('modparamx("registrar", "x", "$def(A)")')


@pytest.mark.parametrize(
    ("pattern", "modules"),
    [
        ("registrar", ["registrar"]),
        ("usrloc", ["usrloc"]),
        ("registrar|usrloc", ["registrar", "usrloc"]),
        ("nathelper|registrar", ["registrar"]),
        ("^usrloc$", ["usrloc"]),
        ("auth_db", []),
        ("usrloc_dmq", []),
        ("p_usrloc|sl", []),
        ("(", []),
    ],
)
def test_modules_are_named_by_a_pattern(pattern: str, modules: list[str]) -> None:
    """One line may set a parameter of several."""
    assert modules == [one[0] for one in values(f'modparam("{pattern}", "x", 1)')]


@pytest.mark.parametrize(
    "text",
    [
        '# modparam("registrar", "x", 1)',
        '// modparam("registrar", "x", 1)',
        '/* a\n modparam("registrar", "x", 1)\n */',
        '/* never closed modparam("registrar", "x", 1)',
        "##!define A\nxlog(\"modparam('registrar', 'x', 1)\");",
        "modparam",
    ],
)
def test_what_is_commented_out_or_quoted_is_not_there(text: str) -> None:
    """Stock configurations are half comments."""
    assert Reading() == read(text, {})


def test_a_call_may_span_lines_and_hold_comments() -> None:
    """It is known by its first line, and by how its value is written."""
    text = '\n\nmodparam (\n "registrar" , /* why */ "x", // that\n  "1"  "2" )\n'

    assert [Parameter("registrar", "x", '"1""2"', "12", 3)] == read(text, {}).parameters


@pytest.mark.parametrize("text", ['modparam("registrar", "x")', 'modparam("registrar", "x", 1'])
def test_a_call_that_is_not_whole_is_told(text: str) -> None:
    """Kamailio would not start with it."""
    assert [Remark(1, "modparam without three arguments")] == read(text, {}).remarks


def test_a_definition_stands_for_what_it_was_given() -> None:
    """Through others, too; and for nothing where it has no value."""
    text = (
        '#!define BIT 6 # of NAT\n!!define FLAG BIT\n#!define EMPTY\n#!define DB "a"\n'
        '#!trydef BIT 7\n#!trydef NEW 8\n#!define SELF SELF\n#!redefine DB \\\n "b"\n'
    )
    names = ("FLAG", "EMPTY", "DB", "NEW", "SELF")

    assert [6, None, "b", 8, None] == [
        one[2] for one in values(text + "".join(f'modparam("usrloc", "x", {n})\n' for n in names))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!ifdef A\n1\n#!else\n2\n#!endif\n3", [2, 3]),
        ("#!define A\n#!ifdef A\n1\n#!else\n2\n#!endif\n3", [1, 3]),
        ("#!ifndef A\n1\n#!endif", [1]),
        ("  #!ifdef A\n#!ifdef B\n1\n#!else\n2\n#!endif\n3\n#!endif\n4", [4]),
        ("#!ifdef A\nit isn't quoted /* or\n#!endif\n1", [1]),
        ("#!ifdef A\n#!define B\n#!endif\n#!ifdef B\n1\n#!endif", []),
        ("#!endif\n#!else\n1", [1]),
        ("#!ifdef A\n1", []),
    ],
)
def test_what_is_conditioned_away_is_not_there(text: str, expected: list[int]) -> None:
    """By #!ifdef and #!ifndef, one inside another."""
    lines = [
        f'modparam("registrar", "x", {line})' if line.isdigit() else line
        for line in text.split("\n")
    ]

    assert expected == [one[2] for one in values("\n".join(lines))]


def test_definitions_may_be_given_from_outside() -> None:
    """As with kamailio -A."""
    assert 5 == value("LIMIT", LIMIT="5")
    assert [] == values('#!ifndef A\nmodparam("registrar", "x", 1)\n#!endif', A="")


def test_what_depends_on_an_expression_is_uncertain() -> None:
    """And what follows is certain again."""
    text = (
        '#!ifexp A == 1\nmodparam("registrar", "x", 1)\n#!else\nmodparam("registrar", "x", 2)\n'
        '#!endif\nmodparam("registrar", "x", 3)\n'
    )

    assert [(1, False), (2, False), (3, True)] == [
        (one.value, one.is_certain) for one in read(text, {}).parameters
    ]


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ('include_file "more.cfg"', 'include_file "more.cfg" is not read'),
        ('#!import_file "local.cfg"', 'import_file "local.cfg" is not read'),
        ('#!substdef "!A!b!g"', '#!substdef "!A!b!g" is not carried out'),
        ("#!defenv HOME", "#!defenv HOME is not carried out"),
    ],
)
def test_what_only_kamailio_can_do_is_told(text: str, remark: str) -> None:
    """With its line, so that a person can do it."""
    assert [Remark(2, remark)] == read(f"#!KAMAILIO\n{text}\n", {}).remarks


def test_tables_are_those_the_script_names() -> None:
    """Each once, wherever the script says it; a name that is computed is not one."""
    text = """
    route { if (!save("location", "0x04")) exit; lookup('aliases'); save("location");
        registered(TABLE); unregister("$var(t)x" $x); save(); is_method("save"); }
    """

    assert ["location", "aliases", "staff"] == read(text, {"TABLE": '"staff"'}).tables


@pytest.mark.parametrize("each", ["A{0}", "A{0} A{0}"], ids=["deep", "wide"])
def test_definitions_that_stand_for_too_much_stay_as_they_are(each: str) -> None:
    """Three thousand in a row, or each for two of the next: this is told, and the rest is read."""
    defines = [f"#!define A{number} {each.format(number + 1)}" for number in range(3000)]
    text = "\n".join([*defines, "A0", 'modparam("registrar", "x", 1)'])
    reading = read(text, {})

    told = "A32 is left as it is: it stands for too much"
    assert Remark(3001, told) == reading.remarks[0]
    assert 100 > len(reading.remarks)
    assert [1] == [one.value for one in reading.parameters]


def test_calls_that_do_not_end_are_not_looked_through_to_the_end() -> None:
    """Five thousand of them are read in the time of as many that do."""
    start = process_time()
    reading = read("save(" * 5000, {})

    assert [] == reading.tables
    assert 2.0 > process_time() - start
