"""The command with its help; the commands themselves are in the folder commands, by who uses them."""

from typing import Annotated

import typer

from .output import Format

app = typer.Typer(
    name="trust-benchmarks",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""
    Returns from NHS trusts: check a file before it is sent, see what was received and found, read what is published.

    [bold]Where to start[/bold]

    - You fill in a return: [cyan]template workforce --output workforce.xlsx[/cyan], fill it in, [cyan]check workforce.xlsx[/cyan].

    - You run the service: [cyan]make run[/cyan] first, then [cyan]submissions --state held[/cyan] and [cyan]findings --severity hold[/cyan].

    - You are a steward: [cyan]queue[/cyan], [cyan]findings --open[/cyan], then [cyan]decide[/cyan]; a second person [cyan]approve[/cyan]s.

    - A release was held back, or must be taken back: [cyan]releases --state held_back[/cyan], [cyan]release[/cyan], [cyan]rollback[/cyan].

    - You keep the engagement timeline: [cyan]event template[/cyan], fill it in, [cyan]event add events.csv --check[/cyan].

    - You operate it: [cyan]doctor[/cyan], [cyan]backup FOLDER[/cyan], [cyan]restore FOLDER[/cyan], [cyan]heal[/cyan].

    - You build a dashboard: [cyan]query "SELECT * FROM published.data_status"[/cyan], or [cyan]serve-api[/cyan]; every view and column is in docs/data-dictionary.md.

    [bold]Words[/bold]: a collection is a named return (workforce, estates ...), a period is a month such as 2025-06 or a financial
    year such as 2016-17, a submission is one file that was sent, a finding is one rule broken at one place, a decision is what a steward did about findings.

    Results go to standard output and messages to standard error, so that [cyan]--format csv > file.csv[/cyan] holds rows only.
    [cyan]COMMAND --help[/cyan] says more about each.
    """,
)

Form = Annotated[Format, typer.Option("--format", "-f", help="How rows are written.")]
Limit = Annotated[
    int | None, typer.Option(min=1, help="At most so many rows (default: 200 in a table, all otherwise).")
]
User = Annotated[
    str | None,
    typer.Option(
        envvar="TB_USER", help="Who you are in Airflow; the password comes from TB_USER_PASSWORD or is asked for."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask after the preview.")]
