"""Commands about events of the engagement timeline."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import Form, Limit, User, app
from ..output import Format

event_app = typer.Typer(
    name="event", no_args_is_help=True, help="Add events to the engagement timeline, list them, withdraw one."
)
app.add_typer(event_app)


@event_app.command("template")
def event_template(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write (default: standard output).")
    ] = None,
) -> None:
    """Make a blank file of events to fill in: one row per event, with what each column expects beside it.

    Example:
      trust-benchmarks event template --output events.csv
    """
    from .. import events

    events.template(output)


@event_app.command("add")
def event_add(
    file: Annotated[Path, typer.Argument(help="The file: CSV or a workbook.", show_default=False)],
    check: Annotated[
        bool, typer.Option("--check", help="Say what is wrong with it and add nothing. Needs no services.")
    ] = False,
    form: Form = Format.table,
    user: User = None,
) -> None:
    """Add the events of a file to the timeline: all of them, or none if any cell is wrong. Adding the same file twice adds nothing.

    Stewards only; Airflow must be running. Exit status: 0 added or sound, 1 something is wrong with the file.

    Examples:
      trust-benchmarks event add events.csv --check

      trust-benchmarks event add events.csv --user steward
    """
    from .. import events

    raise typer.Exit(events.add(file, check, form, user))


@event_app.command("list")
def event_list(
    provider: Annotated[str | None, typer.Option(help="Only this trust, such as RY8.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as board_report.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List the events that people entered, newest first: who, when, from which file, and whether withdrawn.

    Example:
      trust-benchmarks event list --kind board_report --format csv
    """
    from .. import events

    events.listed(provider, kind, form, limit)


@event_app.command("withdraw")
def event_withdraw(
    event: Annotated[str, typer.Argument(help="The event, by its id (EN-...).", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why, in a sentence that still makes sense next year.")] = "",
    user: User = None,
) -> None:
    """Withdraw an event that somebody entered. It leaves the timeline and stays in the log with who, when and why.

    Example:
      trust-benchmarks event withdraw EN-3f6c... --reason "It was another trust." --user steward
    """
    from .. import events

    events.withdraw(event, reason, user)
