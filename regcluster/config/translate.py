"""From Kamailio's modparam lines to settings of ours, with a word on each that has no place here.

Names and meanings are the same, so this is about spelling: switches that are any number there, a
default that differs, tables that the script names. Whatever is left out is told with its line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from regcluster.config.fields import FIELDS, Field
from regcluster.config.modparam import Parameter, Reading, Remark
from regcluster.config.names import unknown_key
from regcluster.config.parameters import NAME, check_parameters
from regcluster.config.secrets import secret_free
from regcluster.config.settings import Settings
from regcluster.config.values import convert, shown

SECTION = {"registrar": "registrar", "usrloc": "location"}

TABLES = "location.tables"

USE_DOMAIN = "location.use_domain"

OURS = {
    "registrar": (
        'unknown_require = "ignore"',
        'missing_supported = "accept"',
        'trust_contact_from = ["0.0.0.0/0", "::/0"]',
        'expired_contacts = "include"',
    ),
    "location": (
        'uri_equality = "bytes"',
        'new_call_id = "drop_flows"',
        'plain_binding = "separate"',
    ),
}
"""How to have what Kamailio does where we do better, by section."""

MASKS = {"sock_mode": 1, "lookup_filter_mode": 3, "xavp_rcd_mask": 31}
"""Numbers of which Kamailio looks at these bits only."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A parameter that has no place among our settings."""

    line: int
    parameter: str
    """As it is written, for people: ``usrloc db_mode = 2``."""
    why: str


@dataclass(slots=True)
class Translation:
    """The settings a Kamailio configuration asks for."""

    values: dict[str, object] = field(default_factory=dict)
    """By key, in the order of our own sections."""
    left_out: list[LeftOut] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def notes(self) -> list[Remark]:
        """All there is to tell, in the order of the lines."""
        told = [Remark(one.line, f"{one.parameter}: {one.why}") for one in self.left_out]
        return sorted([*told, *self.remarks], key=lambda one: one.line)


def translate(reading: Reading) -> Translation:
    """Settings that pass ``regcluster check``, and whatever is not among them."""
    done = Translation(remarks=list(reading.remarks))
    given: dict[str, Parameter] = {}
    values: dict[str, object] = {}
    for parameter in reading.parameters:
        if _preloaded(parameter):
            continue
        try:
            key, value = _translated(parameter)
        except ValueError as why:
            done.left_out.append(_left_out(parameter, str(why)))
        else:
            given[key], values[key] = parameter, value
    # Kamailio's own default; ours differs, so it has to be said.
    values.setdefault(USE_DOMAIN, 0)
    if tables := _tables(reading):
        values[TABLES] = tables
    _drop_unusable(values, given, done)
    done.values = {key: values[key] for key in FIELDS if key in values}
    return done


def _tables(reading: Reading) -> list[str]:
    """Those the script names and those preloaded; the usual one first."""
    preloaded = [_preloaded(parameter) for parameter in reading.parameters]
    names = [name for name in [*reading.tables, *preloaded] if NAME.fullmatch(name)]
    return sorted(dict.fromkeys(names), key=lambda name: name != "location")


def _preloaded(parameter: Parameter) -> str:
    """The table that ``parameter`` declares; empty when that is not what it does."""
    name = parameter.value
    is_preload = (parameter.module, parameter.name) == ("usrloc", "preload")
    return name if is_preload and isinstance(name, str) and NAME.fullmatch(name) else ""


def render(done: Translation, source: str) -> str:
    """The settings as a TOML file of ours, with all there is to tell as comments."""
    lines = [f"# Written by regcluster import from {_one_line(source)}.", ""]
    for section in SECTION.values():
        lines += [f"[{section}]", *_settings(done, section), ""]
        lines += ["# Where Kamailio does otherwise, and this would do as it does:"]
        lines += [*(f"# {line}" for line in OURS[section]), ""]
    if done.notes:
        lines += ["# Left out:"]
        lines += [f"# line {one.line}: {_one_line(one.text)}" for one in done.notes]
    return "\n".join(lines).rstrip() + "\n"


def _settings(done: Translation, section: str) -> Iterator[str]:
    for key, value in done.values.items():
        if not key.startswith(f"{section}."):
            continue
        line = f"{FIELDS[key].name} = {shown(value)}"
        comment = _COMMENTS.get(line)
        yield f"{line}  # {comment}" if comment else line


_COMMENTS = {
    "use_domain = 0": "as Kamailio unless told otherwise; 1 keeps domains apart",
    "max_contacts = 0": "256 here: no user can hold up the store",
}


def _translated(parameter: Parameter) -> tuple[str, object]:
    """Key and value of ours; ``ValueError`` says why there is none."""
    section = SECTION[parameter.module]
    field = FIELDS.get(f"{section}.{parameter.name}")
    if field is None:
        key = f"{section}.{parameter.name}"
        raise ValueError(unknown_key(section, parameter.name).removeprefix(key).lstrip(": "))
    if not parameter.is_certain:
        raise ValueError("it depends on an #!ifexp, which is not evaluated")
    if parameter.value is None:
        raise ValueError("its value is not a constant")
    return field.key, convert(_spelled(parameter.value, field), field)


def _spelled(value: str | int, field: Field) -> object:
    """``value`` as our setting takes it."""
    if field.kind is not int:
        return str(value)
    number = int(value) if isinstance(value, int) or value.strip().lstrip("-").isdigit() else None
    if number is None:
        return value
    if field.name in MASKS:
        return number & MASKS[field.name]
    if field.name == "gruu_enabled":
        # The one switch of Kamailio's that only 1 turns on.
        return int(number == 1)
    if field.name == "default_q":
        return max(-1, min(number, 1000))
    is_switch = (field.limits.ge, field.limits.le) == (0, 1)
    return int(number != 0) if is_switch else number


def _drop_unusable(
    values: dict[str, object], given: dict[str, Parameter], done: Translation
) -> None:
    """Leave out what makes no sense without another parameter, until all of it does."""
    while complaints := dict(check_parameters(_built(values))):
        for key, wrong in complaints.items():
            del values[key]
            done.left_out.append(_left_out(given[key], wrong))


def _built(values: dict[str, object]) -> Settings:
    settings = Settings()
    for key, value in values.items():
        section, name = key.split(".")
        changed = structs.replace(getattr(settings, section), **{name: value})
        settings = structs.replace(settings, **{section: changed})
    return settings


def _left_out(parameter: Parameter, why: str) -> LeftOut:
    told = f"{parameter.module} {parameter.name} = {parameter.text}"
    return LeftOut(parameter.line, secret_free(told), why)


def _one_line(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
