"""Templates for pages: every text that is shown goes through `harmless` and is escaped."""

from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from ..reading.harmless import harmless
from . import readable


def _shown(value: object) -> object:
    """The last step before escaping: makes every text harmless."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return harmless(value, None)
    return value


def exact(value: object) -> Markup:
    """A text for a form field, which must come back unchanged: only escaped."""
    return Markup(escape("" if value is None else value))


def environment(folder: Path) -> jinja2.Environment:
    """The templates of a folder. What is named .txt goes into mails as text and is not escaped; a name that is not given is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=lambda name: not (name or "").endswith(".txt"),
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {"when": readable.when, "day": readable.day, "title_of": readable.title, "exact": exact}
    made.globals |= {"counted": readable.counted}
    return made
