"""A method whose figures change has another version, and a version that is raised has other figures."""

import golden
import pytest
from sizes import FULL


def test_versions_say_what_changed(tmp_path):
    found, known = golden.figures(tmp_path, cases=FULL), golden.recorded()
    assert golden.problems(known, found, golden.declared()) == []
    unrecorded = "Figures that are not recorded. Run: python tests/measures/golden.py"
    for family in golden.declared():
        recorded = {name for name in known[family]["figures"] if FULL or "random returns" in name or name == "declared"}
        assert recorded == found.get(family, {}).keys(), unrecorded
        assert known[family]["version"] == golden.declared()[family], unrecorded
        assert found[family], f"No case gives figures of {family}."


@pytest.mark.parametrize(
    ("digest", "version", "said"),
    [
        ("a", 1, []),
        ("b", 1, ["The figures of funnel changed for the same inputs (case 12), and its version is still 1."]),
        ("a", 2, ["The version of funnel is 2 (was 1), and no figure changed."]),
        ("b", 2, []),
    ],
)
def test_a_change_without_a_version_and_a_version_without_a_change_are_found(digest, version, said):
    known = {"funnel": {"version": 1, "figures": {"case 12": "a", "of other inputs": "c"}}}
    found = golden.problems(known, {"funnel": {"case 12": digest, "of new inputs": "d"}}, {"funnel": version})
    assert [problem[: len(start)] for problem, start in zip(found, said, strict=True)] == said
