"""The description of the API at ``/docs``, made of the application's own OpenAPI. Without scripts, and from here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from serve import results
from serve.problems import KINDS

_FOLDER: Final = Path(__file__).parent / "page"


def as_html(api: Mapping[str, Any], here: str) -> str:
    """The page; ``here`` is the address of this server, for the examples."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True)
    environment.filters["code"] = _code
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "description": operation.get("description", ""),
            "parameters": [_parameter(each) for each in operation.get("parameters", [])],
        }
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    template = environment.get_template("docs.html.j2")
    return str(template.render(api=api, here=here, operations=operations, formats=results.ALL, problems=KINDS))


def _code(text: str) -> Markup:
    """What stands between backquotes, as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(each) if n % 2 else each for n, each in enumerate(parts))


def _parameter(parameter: Mapping[str, Any]) -> dict[str, str]:
    schema = parameter["schema"]
    kinds = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return {
        "name": parameter["name"],
        "kind": ", ".join(_kind(each) for each in kinds),
        "meaning": parameter.get("description", "").replace("``", "`"),
    }


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(str(each) for each in schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']:g} to {schema['maximum']:g}"
    kind = str(schema.get("type", ""))
    return {"boolean": "true, false", "string": "text"}.get(kind, kind)
