"""The same inputs give the same figures to the last bit: whatever the order of files and rows, and the threads."""

import dataclasses
import random

import polars as pl
import pytest
import random_returns
from trust_benchmarks.measures import measure


@pytest.mark.parametrize("collection", ["workforce", "e_rostering", "estates", "procurement_prices"])
def test_order_and_threads_change_nothing(collection, tmp_path):
    inputs, _ = random_returns.make(collection, 3, tmp_path)
    first = measure.compute(inputs, threads=1)
    rng = random.Random(5)
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    records = {}
    for name, paths in inputs.records.items():
        order = rng.sample(paths, len(paths))
        # Other names too, since files are read in the order of their names; and rows in another order.
        records[name] = [shuffled / f"{name}-{i}.parquet" for i in range(len(order))]
        for old, new in zip(order, records[name], strict=True):
            pl.read_parquet(old).sample(fraction=1, shuffle=True, seed=rng.randrange(10**6)).write_parquet(new)
    again = dataclasses.replace(
        inputs,
        records=records,
        submissions=inputs.submissions.sample(fraction=1, shuffle=True, seed=1),
        expected=inputs.expected.sample(fraction=1, shuffle=True, seed=1),
    )
    second = measure.compute(again, threads=2, memory_limit="300MB")
    for output in measure.OUTPUTS:
        one, two = getattr(first, output), getattr(second, output)
        assert one.rows() == two.rows(), output
    assert first.measures.height > 0


def test_outputs_have_the_columns_of_the_core_tables_even_when_empty(tmp_path):
    inputs, _ = random_returns.make("workforce", 4, tmp_path)
    nothing = measure.compute(dataclasses.replace(inputs, records={}, submissions=inputs.submissions.clear()))
    for output, (columns, _) in measure.OUTPUTS.items():
        assert getattr(nothing, output).columns == columns.split()
    # Nobody has sent anything: every trust that is due has a row, flagged as not reported.
    wanted = nothing.measures.filter(~pl.col("metric_id").str.starts_with("DQ"))
    assert set(wanted["quality_flag"]) == {"D"}
    assert wanted["value"].null_count() == wanted.height
    assert wanted["provider_code"].n_unique() == len(random_returns.providers())


def test_records_of_a_submission_that_is_not_current_are_refused(tmp_path):
    inputs, _ = random_returns.make("workforce", 4, tmp_path)
    stale = inputs.submissions.with_columns(pl.lit(False).alias("is_current"))
    with pytest.raises(measure.MeasureError, match=r"not current.*Give their submissions too"):
        measure.compute(dataclasses.replace(inputs, submissions=stale))
