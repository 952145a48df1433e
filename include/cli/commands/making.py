"""Commands for whoever changes the pipeline: one more collection, the data dictionary."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import app


@app.command("new-collection")
def new_collection(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and _.", show_default=False)],
    frequency: Annotated[str, typer.Option(help="month or financial_year.")] = "month",
    kind: Annotated[
        str, typer.Option(help="each_trust (one file per trust) or national (one publisher's file).")
    ] = "each_trust",
    into: Annotated[Path | None, typer.Option(help="The include folder to write to (default: this one).")] = None,
) -> None:
    """Write the files of a new collection and say what to fill in.

    Example:
      trust-benchmarks new-collection waiting_times --frequency month --kind national
    """
    from .. import skeleton

    skeleton.write(name, frequency, into, kind)


@app.command()
def dictionary(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if one of them is out of date.")
    ] = False,
) -> None:
    """Write docs/data-dictionary.md and the data contract in docs/contract from schemas, rules, metrics and published views.

    Example:
      trust-benchmarks dictionary --check
    """
    from .. import dictionary as document

    raise typer.Exit(document.run(check))
