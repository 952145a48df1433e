"""Commands of stewards and approvers: the queue, decisions, workbooks, held returns tried again."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import Form, Limit, User, Yes, app
from ..output import Format


@app.command()
def queue(
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender, such as RY8.")] = None,
    severity: Annotated[str | None, typer.Option(help="hold, reject or warn.")] = None,
    responsible: Annotated[str | None, typer.Option(help="Who must act: trust, publisher or us.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only tasks assigned to this person.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List the queue: open findings grouped by rule and column, the nearest deadline first.

    Examples:
      trust-benchmarks queue --severity hold

      trust-benchmarks queue --collection workforce --assignee sam --format csv
    """
    from .. import warehouse

    warehouse.queue(collection, period, sender, severity, responsible, assignee, form, limit)


@app.command()
def decisions(
    state: Annotated[str | None, typer.Option(help="proposed, in_force, refused, withdrawn, undone or ended.")] = None,
    submission: Annotated[str | None, typer.Option(help="Only on this submission, by its id.")] = None,
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only this sender, such as RY8.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List decisions, newest first: who, when, on what, why, and how they stand.

    Examples:
      trust-benchmarks decisions --state proposed

      trust-benchmarks decisions --submission 3f6c... --format json
    """
    from .. import warehouse

    warehouse.decisions(state, submission, collection, period, sender, form, limit)


@app.command()
def decide(
    kind: Annotated[
        str,
        typer.Argument(help="assign, comment, accept, waive, correct, hold, return or undo.", show_default=False),
    ],
    submission: Annotated[str, typer.Argument(help="The submission, by its id.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why, in a sentence that still makes sense next year.")] = "",
    rule: Annotated[str | None, typer.Option(help="waive, correct, assign: the rule, such as WF-R1.")] = None,
    column: Annotated[str | None, typer.Option(help="waive, correct, assign: only this column.")] = None,
    line: Annotated[list[int] | None, typer.Option(help="waive, correct: only this line (several: repeat it).")] = None,
    sheet: Annotated[str | None, typer.Option(help="waive, correct: only this sheet of a workbook.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="waive: for all of this provider in the period, instead of named cells.")
    ] = None,
    value: Annotated[str | None, typer.Option(help="correct: the right value.")] = None,
    source: Annotated[str | None, typer.Option(help="correct: where the right value comes from.")] = None,
    until: Annotated[
        str | None, typer.Option(help="waive: the last day on which it holds, such as 2027-03-31.")
    ] = None,
    assignee: Annotated[str | None, typer.Option(help="assign: the person it is assigned to.")] = None,
    undo: Annotated[int | None, typer.Option(help="undo: the number of the decision to undo.")] = None,
    user: User = None,
    yes: Yes = False,
) -> None:
    """Decide on a submission. Shows the effect, asks for confirmation, and records the decision. A decision that changes figures needs a second person.

    Airflow must be running: it holds your role. The steward desk offers the same decisions on its pages.

    Examples:
      trust-benchmarks decide accept 3f6c... --reason "They rang: the new ward is real." --user steward

      trust-benchmarks decide waive 3f6c... --rule WF-R1 --line 4 --until 2027-03-31 --reason "Agreed until the payroll moves."

      trust-benchmarks decide correct 3f6c... --line 4 --column fte --value 90.5 --source "e-mail of 3 July" --reason "A typing error."

      trust-benchmarks decide undo 3f6c... --undo 12 --reason "It was the other trust."
    """
    from .. import desk

    asked = desk.Asked(
        kind, submission, reason, rule, column, tuple(line or ()), sheet, value, source, until, provider, assignee, undo
    )
    desk.decide(asked, user, yes)


@app.command()
def approve(
    decision: Annotated[int, typer.Argument(help="The number of the decision.", show_default=False)],
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it instead.")] = False,
    words: Annotated[str, typer.Option(help="A note to the person who proposed it.")] = "",
    user: User = None,
    yes: Yes = False,
) -> None:
    """Approve or refuse a proposed decision, as the second person; its author cannot. Shows the effect and asks for confirmation.

    Examples:
      trust-benchmarks approve 12 --user approver

      trust-benchmarks approve 12 --refuse --words "Ask the trust first." --user approver
    """
    from .. import desk

    desk.approve(decision, refuse, words, user, yes)


@app.command()
def workbook(
    submission: Annotated[str, typer.Argument(help="The submission, by its id.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write.")] = None,
) -> None:
    """Write the trust's own workbook with every error marked and listed, ready to be corrected and sent again.

    Example:
      trust-benchmarks workbook 3f6c... --output to_correct.xlsx
    """
    from .. import desk

    desk.workbook(submission, output)


@app.command()
def revalidate(
    collection: Annotated[str, typer.Option(help="The collection.", show_default=False)],
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    accepted_too: Annotated[
        bool, typer.Option("--all", help="Also accepted returns, not only held ones. Approvers only.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, in a sentence that still makes sense next year.")] = "",
    user: User = None,
    yes: Yes = False,
) -> None:
    """Validate returns again by the current rules. Says how many, asks for confirmation, and records who asked and why.

    Held returns affected by new rules, layouts or reference data are validated again automatically; this is for the others. A return
    with the same result stays as it is, and no figure moves.

    Examples:
      trust-benchmarks revalidate --collection workforce --reason "The layout of May is known now." --user steward

      trust-benchmarks revalidate --collection estates --period 2016-17 --all --reason "Areas are read to the metre now." --user approver
    """
    from .. import replay as replays

    replays.revalidate(collection, period, accepted_too, reason, user, yes)


@app.command()
def replay(
    collection: Annotated[str, typer.Option(help="The collection.", show_default=False)],
    since: Annotated[str | None, typer.Option(help="From this period on, such as 2025-06 (default: all).")] = None,
    accepted_too: Annotated[
        bool,
        typer.Option(
            "--all", help="Figures as if accepted returns were validated again too, not only what follows by itself."
        ),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Also write a page for reviewers to this file.")] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep the report's tables and the new records in this folder (default: nothing is kept)."),
    ] = None,
    limit: Limit = None,
) -> None:
    """Show what the rules, layouts and methods of this checkout would change: submissions, findings, figures. Nothing is changed.

    Every archived file of the collection is read again; --since limits that. Run it before a change is merged, and give the page to
    the reviewer.

    Examples:
      trust-benchmarks replay --collection workforce --since 2025-04

      trust-benchmarks replay --collection estates --html replay.html
    """
    from .. import replay as replays

    replays.replay(collection, since, accepted_too, html, keep, limit)
