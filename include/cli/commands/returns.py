"""Commands for whoever fills in, checks and looks at returns."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import Form, Limit, app
from ..output import Format


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The file: CSV (gzip or not), .xlsx or .xls.", show_default=False)],
    collection: Annotated[
        str | None,
        typer.Option(help="The collection it is meant for; found from name, folder or headings if left out."),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(help="Also write the rows as they were understood to this new file: .csv or .parquet."),
    ] = None,
    form: Form = Format.table,
) -> None:
    """Check a file before it is sent: whether it would be accepted, and every error in it. Needs no services.

    Exit status: 0 it would be accepted (perhaps with warnings), 1 it would be held, 2 there is no such file or option.

    Examples:
      trust-benchmarks check sickness_absence_2024-04.csv

      trust-benchmarks check return.xlsx --collection workforce

      trust-benchmarks check return.csv --format csv > findings.csv

      trust-benchmarks check return.csv --records understood.csv
    """
    from .. import check as checking

    if records:
        checking.check_target(records)
    verdict = checking.check(file, collection)
    checking.show(verdict, form)
    if records:
        checking.write_records(verdict, records)
    raise typer.Exit(1 if verdict.state == "held" else 0)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement that reads.", show_default=False)],
    form: Form = Format.table,
    limit: Limit = None,
    seconds: Annotated[int, typer.Option("--timeout", min=1, help="Give up after so many seconds.")] = 60,
) -> None:
    """Run one SQL statement that reads from the warehouse.

    The warehouse is the one that TB_WAREHOUSE_URL names, else that of `make run` (started for the question if it is not up).

    Examples:
      trust-benchmarks query "SELECT * FROM published.data_status ORDER BY collection, period"

      trust-benchmarks query "SELECT metric_id, period, median FROM published.benchmarks WHERE peer_group = 'national'" --format csv

      trust-benchmarks query "SELECT * FROM published.metrics" --format json --limit 5
    """
    from .. import warehouse

    warehouse.show(sql, None, form, limit, seconds)


@app.command()
def submissions(
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    state: Annotated[str | None, typer.Option(help="received, accepted, accepted_with_warnings or held.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender, such as RY8.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List what was received, newest first, and what became of it.

    Examples:
      trust-benchmarks submissions --state held

      trust-benchmarks submissions --collection workforce --period 2025-06 --format csv
    """
    from .. import warehouse

    warehouse.submissions(collection, period, state, sender, form, limit)


@app.command()
def findings(
    submission: Annotated[str | None, typer.Option(help="Only this submission, by its id.")] = None,
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule, such as WF-R1.")] = None,
    severity: Annotated[str | None, typer.Option(help="hold, reject, warn or info.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender, such as RY8.")] = None,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only findings without a decision that sets them aside.")
    ] = False,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List findings: file, place, text as sent, what would pass, and the decision about it.

    Examples:
      trust-benchmarks findings --open --submission 3f6c...

      trust-benchmarks findings --severity hold

      trust-benchmarks findings --rule WF-R1 --period 2025-06 --format csv
    """
    from .. import warehouse

    warehouse.findings(submission, collection, period, rule, severity, sender, form, limit, open_only)


@app.command()
def template(
    collection: Annotated[str, typer.Argument(help="A collection that each trust sends.", show_default=False)],
    form: Annotated[
        str | None, typer.Option("--format", "-f", help="csv (headings only) or xlsx (with notes).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write (default: csv on standard output).")
    ] = None,
) -> None:
    """Make a blank return to fill in.

    Examples:
      trust-benchmarks template workforce --output workforce.xlsx

      trust-benchmarks template procurement_prices --format csv > procurement_prices.csv
    """
    from .. import template as templates

    templates.write(collection, form, output)
