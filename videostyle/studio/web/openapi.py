"""The description of the server's endpoints for programs, OpenAPI 3.1, made of what the server checks itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from videostyle.studio.web.endpoint import Endpoint
from videostyle.studio.web.problems import CODES
from videostyle.version import __version__

PLACE = "#/components/schemas/{model}"
ERROR = {
    "type": "object",
    "properties": {
        "code": {"enum": sorted(CODES)},
        "what": {"type": "string"},
        "why": {"type": "string"},
        "hint": {"type": "string"},
        "setting": {"type": ["string", "null"]},
    },
}


def description(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The description as JSON."""
    models = {model for one in endpoints for model in (one.body, one.query) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = models_json_schema([(model, "validation") for model in ordered], ref_template=PLACE)
    components = schemas.get("$defs", {})
    components["Problem"] = {
        "type": "object",
        "properties": {"error": ERROR, "errors": {"type": "array", "items": ERROR}},
    }
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "videostyle studio", "version": __version__, "description": "'videostyle help studio'"},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
        "paths": paths,
    }


def _operation(endpoint: Endpoint, components: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    if endpoint.query is not None:
        schema = components[endpoint.query.__name__]
        parameters += [
            {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": about}
            for name, about in schema.get("properties", {}).items()
        ]
    found: dict[str, Any] = {
        "summary": endpoint.text,
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method} {endpoint.path}".lower()).strip("_"),
        "parameters": parameters,
        "responses": {
            str(endpoint.status): {"description": "done", "content": {endpoint.kind: {}}},
            "default": {
                "description": "refused",
                "content": {"application/json": {"schema": {"$ref": PLACE.format(model="Problem")}}},
            },
        },
    }
    if endpoint.raw:
        found["requestBody"] = {"required": True, "content": {endpoint.raw: {}}}
    elif endpoint.body is not None:
        place = {"$ref": PLACE.format(model=endpoint.body.__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": place}}}
    return found
