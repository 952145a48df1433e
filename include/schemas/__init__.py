"""What a valid return is: one schema module a collection, loaded by the collection's name."""

from functools import cache
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def load(collection: str):
    """The `fields.Schema` of a collection, read from its module in this package."""
    from .fields import FieldSpec, Schema

    module = import_module(f"{__name__}.{collection}")
    columns = module.Row.to_schema().columns
    specs = {name: FieldSpec(name=name, **column.metadata) for name, column in columns.items()}
    return Schema(
        collection=collection,
        description=(module.Row.__doc__ or "").strip(),
        model=module.Row,
        fields=specs,
        key=module.KEY,
        complete=module.COMPLETE,
        rules=module.rules,
    )
