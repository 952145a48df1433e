"""Commands about releases and editions: what there are, compute, publish, take back."""

from typing import Annotated

import typer

from ..app import Form, Limit, User, Yes, app
from ..output import Format


@app.command()
def releases(
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    state: Annotated[
        str | None, typer.Option(help="current, replaced, held_back, withdrawn, in_preview or made.")
    ] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List releases, newest first: which are published, which are held back and why, which were withdrawn.

    Examples:
      trust-benchmarks releases --state held_back

      trust-benchmarks releases --collection workforce --period 2025-06 --format json
    """
    from .. import warehouse

    warehouse.releases(collection, period, state, form, limit)


@app.command()
def editions(form: Form = Format.table, limit: Limit = None) -> None:
    """List every switch from one edition (a set of releases over all collections and periods) to the next, newest first.

    Example:
      trust-benchmarks editions --limit 5
    """
    from .. import warehouse

    warehouse.editions(form, limit)


@app.command()
def release(
    release: Annotated[list[str], typer.Argument(help="The releases, by their ids.", show_default=False)],
    reason: Annotated[
        str, typer.Option(help="Why they are right, in a sentence that still makes sense next year.")
    ] = "",
    user: User = None,
    yes: Yes = False,
) -> None:
    """Publish releases that a check held back or a rollback withdrew, or that trusts see first, before that has ended.

    Shows what the check found and asks for confirmation.

    For a release that is already published, the reason is added to its revision. Approvers only.

    Example:
      trust-benchmarks release workforce-2025-06-0123456789 --reason "Two trusts merged; the fall is real." --user approver
    """
    from .. import releases

    releases.release(release, reason, user, yes)


@app.command()
def rollback(
    edition: Annotated[
        str | None,
        typer.Argument(help="Its id, or the number of its switch (default: the one before the current one)."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, in a sentence that still makes sense next year.")] = "",
    user: User = None,
    yes: Yes = False,
) -> None:
    """Go back to an earlier edition: everything published is as it was then. Shows what changes and asks for confirmation.

    The releases of the edition that was left are withdrawn and do not come back with the next refresh. New returns make new releases,
    which are published. To undo a rollback, roll back to the edition that was left. Approvers only.

    Examples:
      trust-benchmarks rollback --reason "The prices of June were read twice." --user approver

      trust-benchmarks rollback 41 --reason "It was right after all." --user approver
    """
    from .. import releases

    releases.rollback(edition, reason, user, yes)


@app.command(name="prune-releases")
def prune_releases(
    days: Annotated[int, typer.Option(min=7, help="Keep releases that were made in the last so many days.")] = 90,
    yes: Yes = False,
) -> None:
    """Delete releases that were never published and are older than 90 days. Shows which and asks for confirmation.

    A release stays if it was ever current, is held back by a check, was spoken about by a person, or is referred to by a decision,
    a revision or a later release. Submissions, decisions and published figures are never deleted.

    Example:
      trust-benchmarks prune-releases --days 30
    """
    from .. import releases

    releases.prune(days, yes)


preview_app = typer.Typer(
    name="preview",
    no_args_is_help=True,
    help="Figures that trusts see before they are published: who looked and what they said, more time, hold back. `release` publishes earlier.",
)
app.add_typer(preview_app)
Number = Annotated[int, typer.Argument(help="The preview, by its number.", show_default=False)]
Why = Annotated[str, typer.Option("--reason", help="Why, in a sentence that still makes sense next year.")]


@preview_app.command("list")
def preview_list(
    state: Annotated[str | None, typer.Option(help="open, held, ended, published, replaced or dropped.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List the releases that trusts see or saw before they were published, newest first, and how many looked and answered.

    Example:
      trust-benchmarks preview list --state open
    """
    from .. import previews

    previews.listed(state, form, limit)


@preview_app.command("said")
def preview_said(number: Number, form: Form = Format.table, limit: Limit = None) -> None:
    """List every trust that a release was offered to: who looked, commented, asked for a correction and signed.

    Example:
      trust-benchmarks preview said 12 --format csv
    """
    from .. import previews

    previews.said(number, form, limit)


@preview_app.command("extend")
def preview_extend(
    number: Number,
    until: Annotated[
        str, typer.Option(help="The day on which it is published, such as 2026-12-18.", show_default=False)
    ],
    reason: Why = "",
    user: User = None,
) -> None:
    """Give the trusts more time. Approvers only.

    Example:
      trust-benchmarks preview extend 12 --until 2026-12-18 --reason "Two trusts asked for it." --user approver
    """
    from .. import previews

    previews.extend(number, until, reason, user)


@preview_app.command("hold")
def preview_hold(number: Number, reason: Why = "", user: User = None) -> None:
    """Hold a release back: it is not published when its time comes, until somebody offers or releases it. Approvers only.

    Example:
      trust-benchmarks preview hold 12 --reason "RA9 has sent the wrong pay." --user approver
    """
    from .. import previews

    previews.hold(number, reason, user)


@preview_app.command("offer")
def preview_offer(
    what: Annotated[
        str,
        typer.Argument(help="A preview that is held back, or a release that a check holds back.", show_default=False),
    ],
    reason: Why = "",
    user: User = None,
) -> None:
    """Let a release that is held back go its way: its trusts see it, and it is published when their time has ended. Approvers only.

    Examples:
      trust-benchmarks preview offer 12 --reason "The pay is right." --user approver

      trust-benchmarks preview offer workforce-2025-06-0123456789 --reason "The fall is real." --user approver
    """
    from .. import previews

    previews.offer(what, reason, user)
