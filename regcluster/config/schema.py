"""The settings as a JSON schema, for whoever checks or completes a settings file without us.

``regcluster check --schema`` prints it for editors, and the chart's ``values.schema.json`` holds
it for its own ``settings``. It knows what one field can say; what ``checks`` finds out about
addresses, URLs and values that do not go together is for ``regcluster check`` alone.
"""

from collections.abc import Collection

import msgspec

from regcluster.config.fields import SECTIONS, Field, fields_in
from regcluster.config.reference import class_of, plain, sentences

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document() -> dict[str, object]:
    """The schema of a whole settings file."""
    return {"$schema": DIALECT, "title": "Settings of regcluster", **schema()}


def schema(without: Collection[str] = ()) -> dict[str, object]:
    """The schema of all sections, of which the keys ``without`` are left out and so refused."""
    meanings = sentences()
    return _table(
        {section: _section(section, meanings, without) for section in SECTIONS},
        "The settings, one table a section.",
    )


def _section(section: str, meanings: dict[str, str], without: Collection[str]) -> dict[str, object]:
    fields = [field for field in fields_in(section) if field.key not in without]
    return _table(
        {field.name: _value(field, meanings[field.key]) for field in fields},
        " ".join((class_of(section).__doc__ or "").split()),
    )


def _table(properties: dict[str, dict[str, object]], meaning: str) -> dict[str, object]:
    return {
        "type": "object",
        "description": plain(meaning),
        "additionalProperties": False,
        "properties": properties,
    }


def _value(field: Field, meaning: str) -> dict[str, object]:
    found = msgspec.json.schema(field.annotation)
    if field.choices:
        # msgspec sorts them; people read them in the order of the class.
        found = {"enum": list(field.choices)}
    return {**found, "description": plain(meaning), "default": field.default}
