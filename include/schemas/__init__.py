"""What a valid return is: one schema module a collection, loaded by the collection's name.

A schema module holds:

* ``Row``: a `models.Model`, one attribute a field, made with the helpers of `fields`;
* ``KEY``: the fields that name a row once in a submission;
* ``COMPLETE``: a field whose every choice must be present, or None;
* ``rules()``: the rules between fields that need nothing but the rows;
* perhaps ``rules_about(about)``: rules that compare a row with what its submission is about;
* perhaps ``SEVERITIES``, ``COMPARED`` and ``BODY`` (see `models.Schema`).
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Schema

FOLDER = Path(__file__).parent


@cache
def load(collection: str) -> "Schema":
    """The `models.Schema` of a collection, read from its module in this package."""
    from .models import PROVIDER, Schema, row_rules, specs_of  # noqa: PLC0415  pandera takes a second to import

    module = import_module(f"{__name__}.{collection}")
    specs = specs_of(module.Row.to_schema())
    return Schema(
        collection=collection,
        description=(module.Row.__doc__ or "").strip(),
        model=module.Row,
        fields=specs,
        key=module.KEY,
        complete=module.COMPLETE,
        body=getattr(module, "BODY", PROVIDER),
        own_rules=module.rules(),
        row_rules=row_rules(module, specs),
        rules_about=getattr(module, "rules_about", lambda about: []),
        severities=getattr(module, "SEVERITIES", {}),
        compared=getattr(module, "COMPARED", {}),
    )
