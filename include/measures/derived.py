"""What a release holds that follows from its measures: series rules, successors, funnels, intervals, and cost adjusted for size.

A pure function of the figures that will be published and the reference data, so nothing here tells more than they do. A figure that is
not whole has no place in any funnel or line. Which methods apply to a metric is declared with it (`funnel`, `adjust_for_size`).
"""

import polars as pl
from trust_benchmarks.measures import funnel, intervals, series, size_adjusted
from trust_benchmarks.reference import calendar, tables


def add(figures: dict[str, pl.DataFrame], period: str, known: tables.Tables) -> dict[str, pl.DataFrame]:
    """The tables of a release with all that follows from its measures.

    Args:
        figures: by table of schema core; `measure` as it will be published.
        period: month or financial year.
        known: the reference data that the measures rest on.

    Returns:
        The same tables, `measure` with the number of restarts up to the period; and series_rule, successor, funnel,
        value_interval and size_cost.
    """
    measures = whole(figures["measure"])
    defined = {metric.metric_id: metric for metric in known.metrics_in(calendar.period_start(period))}
    rules = series.rules(measures, defined)
    restarts = series.restarts(measures, period, known)
    return figures | {
        "measure": figures["measure"].join(
            restarts, on=["metric_id", "provider_code"], how="left", maintain_order="left"
        ),
        "series_rule": rules,
        "successor": series.successors(measures, known),
        "funnel": funnel.table(measures, {one: defined[one].funnel for one in rules["metric_id"]}, rules),
        "value_interval": intervals.table(measures, defined, rules),
        "size_cost": size_adjusted.table(measures, [one for one in rules["metric_id"] if defined[one].adjust_for_size]),
    }


def whole(measures: pl.DataFrame) -> pl.DataFrame:
    """The measures with no numbers where a figure is withheld or marked as a part (column `withheld`)."""
    is_whole = pl.col("withheld").is_null()
    return measures.with_columns(
        pl.when(is_whole).then(name).alias(name) for name in ("numerator", "denominator", "value")
    )
