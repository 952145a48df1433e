"""What tests of freeing share: copies of the reviewed data in which something new has been learned."""

import shutil

import pytest
from trust_benchmarks import catalogue, reference
from trust_benchmarks.catalogue import layouts
from trust_benchmarks.validation import versions

CACHED = (
    reference.load, reference.version, reference.read_by_validation, catalogue.all, layouts.load, versions.version,
)  # fmt: skip


def forget() -> None:
    """Has everything that was read from the reviewed data read again."""
    for one in CACHED:
        one.cache_clear()


class Learned:
    """The reviewed data as somebody changed it, for one test."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch

    def _copy(self, package) -> object:
        copy = self.folder / package.FOLDER.name
        if copy != package.FOLDER:
            shutil.copytree(package.FOLDER, copy)
            self.monkeypatch.setattr(package, "FOLDER", copy)
        return copy

    def provider(self, code: str, sector: str = "community", region: str = "London") -> None:
        """One more provider, open since 2010."""
        copy = self._copy(reference)
        with (copy / "providers.csv").open("a", encoding="utf-8") as out:
            out.write(f"{code},{sector},{region},trust,2010-04-01,,a test,no\n")
        with (copy / "provider_names.csv").open("a", encoding="utf-8") as out:
            out.write(f"{code},New {code} NHS Trust,2010-04-01,,a test\n")
        forget()

    def layout(self, collection: str, text: str) -> None:
        """One more layout."""
        with (self._copy(catalogue) / collection / "layouts.toml").open("a", encoding="utf-8") as out:
            out.write(text)
        forget()

    def entry(self, collection: str, before: str, after: str) -> None:
        """Another entry in the catalogue: `after` in the place of `before`."""
        path = self._copy(catalogue) / collection / "collection.toml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        forget()


@pytest.fixture
def learned(tmp_path, monkeypatch):
    """Changes copies of the reviewed data; see `Learned`."""
    with monkeypatch.context() as patch:
        yield Learned(tmp_path, patch)
    forget()
