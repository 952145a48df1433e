"""The version of the rules in force for a collection: declared numbers, and a hash of the reviewed data that validation reads.

Raise the number when reading or validation comes to another result for the same file: `COMMON` for what all collections share, and
``rules_version`` in the collection's ``collection.toml`` for its own schema. tests/validation/test_golden_findings.py fails when results
change and the number does not, and when the number rises and nothing changes.
"""

import hashlib
import json
from functools import cache

from .. import catalogue, reference
from . import profile

COMMON = 2  # of reading and validation, as far as all collections share them
DATA = ("collection.toml", "layouts.toml", "profile.toml", "units.toml")


@cache
def version(collection: str) -> str:
    """The version as validations store it: ``<common number>-<collection's number>-<12 hexadecimal digits>``.

    The digits are of the data that validation reads and people review: a new layout, bound or provider validates again what it
    concerns. No source code is in them.
    """
    return f"{COMMON}-{catalogue.load(collection).rules_version}-{data_hash(collection)}"


def data_hash(collection: str) -> str:
    """12 hexadecimal digits over the reviewed data that validation of a collection reads; comments in it make no difference."""
    entries = {name: catalogue.entries(collection, name) for name in DATA}
    entries["collection.toml"].pop("rules_version", None)
    read = [reference.read_by_validation(), profile.settings(None), entries]
    return hashlib.sha256(json.dumps(read, sort_keys=True, default=str).encode()).hexdigest()[:12]
