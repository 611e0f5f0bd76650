"""One value: from TOML or text to the type its field declares, or a sentence that says why not.

msgspec decides; the sentences are ours, because "Expected `int`, got `str`" helps nobody who has
never seen Python.
"""

import json
import math
import tomllib

import msgspec

from regcluster.config.fields import Field
from regcluster.config.secrets import secret_free


def convert(raw: object, field: Field) -> object:
    """``raw`` from TOML as the value of ``field``; types must agree, 5 is not "5".

    Raises ``ValueError`` with the end of a sentence that begins with the key.
    """
    return _convert(raw, field, strict=True)


def convert_text(text: str, field: Field) -> object:
    """``text`` from the environment or the command line as the value of ``field``.

    A list is comma-separated or written as in TOML. Raises ``ValueError`` as ``convert`` does.
    """
    text = text.strip()
    if not _is_utf8(text):
        raise ValueError("must be UTF-8 text")
    return _convert(_split(text) if field.is_list else text, field, strict=False)


def allowed(field: Field) -> str:
    """What ``field`` may be, in plain words."""
    if field.choices:
        *others, last = [json.dumps(choice) for choice in field.choices]
        return f"{', '.join(others)} or {last}"
    if field.limits.description:
        return f"text of {field.limits.description}"
    if field.is_list:
        return "a list of texts"
    if field.kind is str:
        return "text"
    return _allowed_number(field)


def shown(value: object) -> str:
    """``value`` as TOML would spell it, on one line, with passwords hidden."""
    if isinstance(value, str):
        # JSON's short strings are TOML's too, but for one character JSON leaves as it is.
        return json.dumps(secret_free(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(shown(item) for item in value)}]"
    return "a table" if isinstance(value, dict) else str(value)


def _convert(raw: object, field: Field, *, strict: bool) -> object:
    refusal = ValueError(f"must be {allowed(field)}, not {shown(raw)}")
    try:
        value: object = msgspec.convert(raw, field.annotation, strict=strict)
    except msgspec.ValidationError:
        raise refusal from None
    # TOML can say nan, which is within every limit, and inf.
    if isinstance(value, float) and not math.isfinite(value):
        raise refusal
    return value


def _allowed_number(field: Field) -> str:
    limits = field.limits
    noun = "a whole number" if field.kind is int else "a number"
    if limits.ge is not None and limits.le is not None:
        if limits.le - limits.ge == 1:
            return f"{limits.ge} or {limits.le}"
        return f"{noun} from {limits.ge} to {limits.le}"
    if limits.ge is not None:
        return f"{noun}, {limits.ge} or more"
    return noun if limits.gt is None else f"{noun} above {limits.gt}"


def _split(text: str) -> list[object]:
    if text.startswith("["):
        try:
            listed = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            listed = None  # Not TOML, so perhaps an IPv6 address: [::1]:5060
        if isinstance(listed, list):
            return listed
    return [part.strip() for part in text.split(",")] if text else []


def _is_utf8(text: str) -> bool:
    # Python hands over stray octets of the environment as lone surrogates.
    return not any("\ud800" <= character <= "\udfff" for character in text)
