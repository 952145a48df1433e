"""Numbers and shares as people read them."""

import pytest
from trust_benchmarks.pages import readable


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (999.9, "1,000"),
        (0.00001234, "0.0000123"),
        (12.3456, "12.3"),
        (1234.5, "1,230"),
        (-0.5, "-0.5"),
        (100, "100"),
        (0, "0"),
        (None, "none"),
    ],
)
def test_numbers_have_three_figures_and_no_powers_of_ten(value, said):
    assert readable.number(value) == said


@pytest.mark.parametrize(
    ("share", "said"), [(None, ""), (1, ""), (0.9999, "99% complete"), (0.5, "50% complete"), (0, "0% complete")]
)
def test_a_part_is_never_said_to_be_all(share, said):
    assert readable.incomplete(share) == said


def test_a_figure_that_chance_may_have_moved_says_so():
    figure = {"compared": "similar", "lower": 80.123, "upper": 85.456, "rank_lowest": 12.4, "rank_highest": 88.8}
    assert readable.compared(figure) == "too close to the median to call (95% interval 80.1 to 85.5)"
    assert readable.rank_range(figure) == "By chance alone its rank could be anything from percentile 12 to 89."
    nothing = dict.fromkeys(figure)
    assert readable.compared(nothing) == readable.rank_range(nothing) == ""
