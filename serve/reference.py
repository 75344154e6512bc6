"""The API reference at ``/docs``, rendered from the application's OpenAPI without scripts or external resources."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from serve import result_formats
from serve.errors import KINDS

_FOLDER: Final = Path(__file__).parent / "page"


def render_reference(api: Mapping[str, Any], base_url: str) -> str:
    """Render the API reference as HTML.

    Parameters
    ----------
    api
        OpenAPI description.
    base_url
        URL of this server, for the examples.
    """
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True)
    environment.filters["code"] = _markup_code
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "description": operation.get("description", ""),
            "parameters": [_parameter(parameter) for parameter in operation.get("parameters", [])],
        }
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    template = environment.get_template("docs.html.j2")
    return str(
        template.render(api=api, here=base_url, operations=operations, formats=result_formats.ALL, problems=KINDS)
    )


def _markup_code(text: str) -> Markup:
    """Mark up text between backquotes as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _parameter(parameter: Mapping[str, Any]) -> dict[str, str]:
    schema = parameter["schema"]
    alternatives = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return {
        "name": parameter["name"],
        "kind": ", ".join(_type_name(option) for option in alternatives),
        "meaning": parameter.get("description", "").replace("``", "`"),
    }


def _type_name(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "minimum" in schema:
        upper = f"to {schema['maximum']:g}" if "maximum" in schema else "or more"
        return f"{schema['minimum']:g} {upper}"
    json_type = str(schema.get("type", ""))
    return {"boolean": "true, false"}.get(json_type, json_type)
