"""Pages for people: templates with one look, light and dark, from a phone's width up."""

import jinja2

from drumline.core.svg import DARK, LIGHT, css


def page_environment(folder: str) -> jinja2.Environment:
    """The templates of a folder of this package (``dataset/templates``), which may include ``page.css.j2``.

    ``*.html.j2`` is escaped, anything else is not. Filters: ``count`` (1,234), ``hours`` (of seconds), ``cell`` (one
    line of a Markdown table).
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("drumline", folder), jinja2.PackageLoader("drumline", "core/templates")]
        ),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["hours"] = lambda seconds: f"{seconds / 3600:,.2f}"
    environment.filters["cell"] = lambda text: " ".join(str(text).replace("|", "\\|").split())
    environment.globals |= {"light": css(LIGHT), "dark": css(DARK)}
    return environment
