"""What Stripe takes: requests read and checked against the real parameters of the API version that the SDK pins.

`data/stripe_parameters.json` holds them for the operations that the site uses, `data/stripe_shapes.json` the
names of all the fields of the objects that come back.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

DATA = Path(__file__).parent / "data"
OPERATIONS: dict[str, Any] = json.loads((DATA / "stripe_parameters.json").read_text())["ops"]
SHAPES: dict[str, Any] = json.loads((DATA / "stripe_shapes.json").read_text())
API_VERSION = "2026-10-28.endive"


class Refusal(Exception):
    """An error as Stripe words it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        **more: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        facts = {"type": kind, "message": message, "code": code, "param": param, **more}
        self.body = {"error": {name: value for name, value in facts.items() if value}}


def operation(method: str, path: str) -> tuple[str, str]:
    """The operation's name and the id in the path."""
    for name in OPERATIONS:
        verb, _, pattern = name.partition(" ")
        found = re.fullmatch(pattern.replace("{id}", r"([A-Za-z0-9_]+)"), path)
        if verb == method and found:
            return name, "".join(found.groups())
    raise Refusal(f"Unrecognized request URL ({method}: {path}).", status=404)


def read(name: str, encoded: str) -> dict[str, Any]:
    """Form-encoded parameters with brackets, as the operation's plain values. Raises `Refusal`."""
    raw: dict[str, Any] = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded)):
        *parents, last = re.findall(r"[^\[\]]+", key)
        place = raw
        for parent in parents:
            place = place.setdefault(parent, {})
        if last in place:
            raise Refusal(f"Received duplicate parameter {key}", param=key)
        place[last] = value
    checked: dict[str, Any] = _check(raw, OPERATIONS[name], ())
    return checked


def _check(value: Any, schema: dict[str, Any], path: Sequence[str]) -> Any:
    if "anyOf" in schema:
        return _check_any(value, schema["anyOf"], path)
    return CHECKS[schema["type"]](value, schema, path)


def _check_any(value: Any, schemas: list[dict[str, Any]], path: Sequence[str]) -> Any:
    refusals = []
    for schema in schemas:
        try:
            return _check(value, schema, path)
        except Refusal as refusal:
            refusals.append(refusal)
    raise refusals[-1]


def _object(value: Any, schema: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid("object", value, path)
    if "map" in schema:
        _check_map(value, path)
        return {key: _check(each, schema["map"], (*path, key)) for key, each in value.items()}
    known = schema["properties"]
    for key in value:
        if key not in known:
            name = _name((*path, key))
            raise Refusal(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    for key in schema["required"]:
        if key not in value:
            name = _name((*path, key))
            raise Refusal(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return {key: _check(each, known[key], (*path, key)) for key, each in value.items()}


def _check_map(value: dict[str, Any], path: Sequence[str]) -> None:
    """https://docs.stripe.com/api/metadata: 50 keys of 40 characters, values of 500."""
    if len(value) > 50:
        raise Refusal("Metadata can have at most 50 keys.", param=_name(path))
    for key, each in value.items():
        if len(key) > 40 or len(each) > 500:
            raise Refusal(
                f"Metadata is too long: {key}", code="parameter_invalid_string", param=_name((*path, key))
            )


def _array(value: Any, schema: dict[str, Any], path: Sequence[str]) -> list[Any]:
    if not isinstance(value, dict) or set(value) != {str(n) for n in range(len(value))}:
        raise _invalid("array", value, path)
    return [_check(value[str(n)], schema["items"], (*path, str(n))) for n in range(len(value))]


def _string(value: Any, schema: dict[str, Any], path: Sequence[str]) -> str:
    if not isinstance(value, str):
        raise _invalid("string", value, path)
    if "enum" in schema and value not in schema["enum"]:
        raise Refusal(f"Invalid {_name(path)}: must be one of {schema['enum']}", param=_name(path))
    if not value and "enum" not in schema:
        raise Refusal(
            f"You passed an empty string for '{_name(path)}'.",
            code="parameter_invalid_empty",
            param=_name(path),
        )
    if len(value) > schema.get("maxLength", 5000):
        raise Refusal(
            f"Invalid string: must be at most {schema.get('maxLength', 5000)} characters", param=_name(path)
        )
    return value


def _integer(value: Any, schema: dict[str, Any], path: Sequence[str]) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}", value):
        raise _invalid("integer", value, path)
    return int(value)


def _number(value: Any, schema: dict[str, Any], path: Sequence[str]) -> float:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise _invalid("number", value, path)
    return float(value)


def _boolean(value: Any, schema: dict[str, Any], path: Sequence[str]) -> bool:
    if value not in ("true", "false"):
        raise _invalid("boolean", value, path)
    return bool(value == "true")


CHECKS = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _invalid(kind: str, value: Any, path: Sequence[str]) -> Refusal:
    return Refusal(f"Invalid {kind}: {value}", code=f"parameter_invalid_{kind}", param=_name(path))


def _name(path: Sequence[str]) -> str:
    return path[0] + "".join(f"[{part}]" for part in path[1:]) if path else ""


def shaped(kind: str, **facts: Any) -> dict[str, Any]:
    """An object with every field that Stripe's has, empty but for the facts."""
    unknown = set(facts) - set(SHAPES[kind])
    assert not unknown, f"{kind} has no {unknown}"
    return {**json.loads(json.dumps(SHAPES[kind])), **facts}
