"""The declared versions of the methods behind a release."""

import tomllib
from functools import cache
from pathlib import Path

from trust_benchmarks import catalogue

SHARED = Path(__file__).with_name("versions.toml")


@cache
def shared() -> dict[str, int]:
    """The version of each method that all collections share, by its name."""
    return tomllib.loads(SHARED.read_text(encoding="utf-8"))


def method_version(collection: str) -> str:
    """Names the methods that a collection's figures are computed by, such as 'workforce 1, comparisons 1, funnel 2'.

    Releases with another text are computed again. It changes when a number is raised, whatever happens to the code.
    """
    versions = {collection: catalogue.load(collection).measures_version} | shared()
    return ", ".join(f"{name} {version}" for name, version in versions.items())
