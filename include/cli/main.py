"""trust-benchmarks: check a file, ask the warehouse, decide as on the desk, make a template, start one more collection."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import Refused
from .output import Format, note

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
    from . import check as checking

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
    from . import warehouse

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
    from . import warehouse

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
    from . import warehouse

    warehouse.findings(submission, collection, period, rule, severity, sender, form, limit, open_only)


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
    from . import warehouse

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
    from . import warehouse

    warehouse.decisions(state, submission, collection, period, sender, form, limit)


User = Annotated[
    str | None,
    typer.Option(
        envvar="TB_USER", help="Who you are in Airflow; the password comes from TB_USER_PASSWORD or is asked for."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask after the preview.")]


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
    from . import desk

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
    from . import desk

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
    from . import desk

    desk.workbook(submission, output)


@app.command()
def releases(
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period, such as 2025-06.")] = None,
    state: Annotated[str | None, typer.Option(help="current, replaced, held_back, withdrawn or made.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List releases, newest first: which are published, which are held back and why, which were withdrawn.

    Examples:

      trust-benchmarks releases --state held_back

      trust-benchmarks releases --collection workforce --period 2025-06 --format json
    """
    from . import warehouse

    warehouse.releases(collection, period, state, form, limit)


@app.command()
def editions(form: Form = Format.table, limit: Limit = None) -> None:
    """List every switch from one edition (a set of releases over all collections and periods) to the next, newest first.

    Example:

      trust-benchmarks editions --limit 5
    """
    from . import warehouse

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
    """Publish releases that a check held back or a rollback withdrew. Shows what the check found and asks for confirmation.

    For a release that is already published, the reason is added to its revision. Approvers only.

    Example:

      trust-benchmarks release workforce-2025-06-0123456789 --reason "Two trusts merged; the fall is real." --user approver
    """
    from . import releases

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
    from . import releases

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
    from . import releases

    releases.prune(days, yes)


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
    from . import replay as replays

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
    from . import replay as replays

    replays.replay(collection, since, accepted_too, html, keep, limit)


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
    from . import template as templates

    templates.write(collection, form, output)


messages_app = typer.Typer(
    name="messages", no_args_is_help=True, help="Messages to people of trusts: what was sent, and what each wants."
)
app.add_typer(messages_app)


@messages_app.command("list")
def messages_list(
    mail: Annotated[str | None, typer.Option(help="Only to this address.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as held.")] = None,
    state: Annotated[str | None, typer.Option(help="waiting, sent, given_up or dropped.")] = None,
    form: Form = Format.table,
    limit: Limit = None,
) -> None:
    """List the messages to people of trusts, newest first, and what came of each.

    Examples:

      trust-benchmarks messages list --state given_up

      trust-benchmarks messages list --mail ann@example.org --format csv
    """
    from . import messages

    messages.listed(mail, kind, state, form, limit)


@messages_app.command("send")
def messages_send(
    every: Annotated[
        float | None,
        typer.Option(min=1, help="Go on until stopped, looking every so many seconds.", show_default=False),
    ] = None,
) -> None:
    """Send what waits now, as the DAG send_messages does every five minutes; the mail server is AIRFLOW_CONN_SMTP_DEFAULT.

    With --every it is a process to run beside Airflow: links to sign in arrive within seconds then.

    Examples:

      trust-benchmarks messages send

      trust-benchmarks messages send --every 5
    """
    from . import messages

    messages.send(every)


@messages_app.command("prefer")
def messages_prefer(
    mail: Annotated[str, typer.Argument(help="The contact's address.", show_default=False)],
    choice: Annotated[str, typer.Argument(help="usual, each, digest or off.", show_default=False)],
    kind: Annotated[
        str, typer.Option(help="The kind of message; all that have no choice of their own by default.")
    ] = "*",
) -> None:
    """Say how a contact wants to be told: usual (as a digest where there are many), each, digest (once a working day) or off.

    Examples:

      trust-benchmarks messages prefer ann@example.org digest

      trust-benchmarks messages prefer ann@example.org off --kind received
    """
    from . import messages

    messages.prefer(mail, kind, choice)


event_app = typer.Typer(
    name="event", no_args_is_help=True, help="Add events to the engagement timeline, list them, withdraw one."
)
app.add_typer(event_app)
sender_app = typer.Typer(
    name="sender", no_args_is_help=True, help="Give a trust a key of its own to the inbox, list them, take one away."
)
app.add_typer(sender_app)


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
    from . import events

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
    from . import events

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
    from . import events

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
    from . import events

    events.withdraw(event, reason, user)


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
    from . import skeleton

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
    from . import dictionary as document

    raise typer.Exit(document.run(check))


@app.command()
def fetch(
    collection: Annotated[
        str | None, typer.Option(help="Only this collection (default: all that have sources).")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only the source of this name.")] = None,
    since: Annotated[str | None, typer.Option(help="Its history from this period on, such as 2025-04.")] = None,
    form: Form = Format.table,
) -> None:
    """Look at publishers now, due or not, and bring what is new into the inbox.

    TB_FETCH_CONTACT must name a mail address or page at which a publisher can reach you. Without --since it asks for the newest
    periods only. Exit status: 0 nothing to do, 1 a person must look at a source.

    Examples:

      trust-benchmarks fetch --collection sickness_absence

      trust-benchmarks fetch --collection drug_tariff --source viii_a --since 2025-04
    """
    from . import fetch as fetching

    raise typer.Exit(1 if fetching.run(collection, source, since, form) else 0)


@app.command("propose-reference")
def propose_reference(
    holidays: Annotated[
        Path | None, typer.Option(help="Accept new bank holidays: add them to this holidays.csv. Nothing is removed.")
    ] = None,
    form: Form = Format.table,
) -> None:
    """Show what ODS and GOV.UK say of trusts, successions and bank holidays that our tables do not.

    Nothing is changed: a person reviews each line and edits the files of include/reference. TB_FETCH_CONTACT must be set.

    Examples:

      trust-benchmarks propose-reference --format csv > review.csv

      trust-benchmarks propose-reference --holidays include/reference/holidays.csv
    """
    from . import reference

    reference.propose(holidays, form)


@app.command()
def prepare() -> None:
    """Prepare an installation, once and after an upgrade: databases, roles, buckets, schemas, reference data, pools, log ins.

    Reads the environment; docker-compose.yml shows which variables. Safe to repeat.

    Example:

      trust-benchmarks prepare
    """
    from . import prepare as preparing

    preparing.run()


@app.command()
def doctor(form: Form = Format.table) -> None:
    """Check everything: services, versions, sources, late collections, backlog, releases held back, backup, space.

    Reads TB_AIRFLOW_URL (Airflow's address) and TB_BACKUP (the folder of backups). Changes nothing. Exit status: 0 all checks passed,
    1 one failed; its line says what to do and names its runbook in docs/runbooks.

    Examples:

      trust-benchmarks doctor

      trust-benchmarks doctor --format json
    """
    from . import operations

    raise typer.Exit(operations.doctor(form))


@app.command()
def backup(
    folder: Annotated[Path | None, typer.Argument(help="The folder of backups (default: TB_BACKUP).")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="Keep so many of the newest backups (default: all).")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read again what earlier backups copied, only look that it is there.")
    ] = False,
) -> None:
    """Back up the warehouse and the buckets, at one point in time, to a folder. Only what is new is copied.

    Everything goes on meanwhile. Exit status: 0 all is in it, 1 an object is gone or has changed (it is named), 2 no backup was made.

    Examples:

      trust-benchmarks backup /mnt/backups --keep 30
    """
    from . import operations

    raise typer.Exit(operations.backup(folder, keep, quick))


@app.command()
def restore(
    folder: Annotated[Path | None, typer.Argument(help="The folder of backups (default: TB_BACKUP).")] = None,
    name: Annotated[str | None, typer.Option("--backup", help="Which one, by its name (default: the newest).")] = None,
    only_check: Annotated[
        bool, typer.Option("--check", help="Read the backup, say whether it is whole, and stop.")
    ] = False,
) -> None:
    """Restore a backup into an empty warehouse and empty buckets. It refuses to write over anything.

    Run `trust-benchmarks prepare` first, with nothing else running. Exit status: 0 restored, 1 the backup is damaged, 2 refused.

    Examples:

      trust-benchmarks restore /mnt/backups --check

      trust-benchmarks restore /mnt/backups
    """
    from . import operations

    raise typer.Exit(operations.restore(folder, name, only_check))


@app.command()
def heal(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of backups, for what cannot be had otherwise (default: TB_BACKUP).")
    ] = None,
    only_look: Annotated[
        bool, typer.Option("--check", help="Only say what is lost or harmed; put nothing back.")
    ] = False,
) -> None:
    """Read every archived file and every object of records, and put back what is gone or has changed.

    From the inbox, from the archived files, or from a backup; only what has the hash that was recorded. Exit status: 0 all is whole
    now, 1 something is not (it is named with the submissions that it belongs to).

    Examples:

      trust-benchmarks heal --check

      trust-benchmarks heal /mnt/backups
    """
    from . import operations

    raise typer.Exit(operations.heal(folder, only_look))


@app.command("serve-api")
def serve_api(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8000,
) -> None:
    """Serve what is published over HTTP, under /api/v1, until it is stopped (docs/api.md).

    It reads the warehouse that TB_WAREHOUSE_URL names as dashboard_reader (TB_READER_PASSWORD), else that of `make run`.

    Examples:

      trust-benchmarks serve-api

      trust-benchmarks serve-api --host 0.0.0.0 --port 8080
    """
    from . import api

    api.serve(host, port)


@app.command("api-key")
def api_key(
    name: Annotated[str, typer.Argument(help="Who holds it: letters, digits, dots and dashes.", show_default=False)],
    commercial: Annotated[bool, typer.Option("--commercial", help="May also read what single trusts pay.")] = False,
) -> None:
    """Make a key for the HTTP API: the key for its holder, and the line for TB_API_KEYS, which holds only its hash.

    Examples:

      trust-benchmarks api-key finance-team

      trust-benchmarks api-key procurement --commercial
    """
    from . import api

    api.new_key(name, commercial)


contacts_app = typer.Typer(
    name="contacts",
    no_args_is_help=True,
    help="Contacts of trusts, who sign in to the trusts' room: add, list, end, and make a link for one.",
)
app.add_typer(contacts_app)


@contacts_app.command("add")
def contacts_add(
    mail: Annotated[str, typer.Argument(help="Their work mail address.", show_default=False)],
    trust: Annotated[list[str], typer.Option("--trust", "-t", help="An ODS code; may be given several times.")],
    name: Annotated[str, typer.Option(help="Their name.")] = "",
) -> None:
    """Let a person sign in to the trusts' room for one or more trusts, and for those that take them over.

    Example:

      trust-benchmarks contacts add ann@example.nhs.uk --trust RA9 --name "Ann Example"
    """
    from . import contacts

    contacts.add(mail, trust, name)


@contacts_app.command("list")
def contacts_list(
    trust: Annotated[str | None, typer.Option("--trust", "-t", help="Only this trust, by ODS code.")] = None,
    form: Form = Format.table,
) -> None:
    """List the contacts of trusts: who, for whom, since when, and when they signed in last.

    Example:

      trust-benchmarks contacts list --trust RA9
    """
    from . import contacts

    contacts.listed(trust, form)


@contacts_app.command("leave")
def contacts_leave(
    mail: Annotated[str, typer.Argument(help="Their mail address.", show_default=False)],
    trust: Annotated[str | None, typer.Option("--trust", "-t", help="End only what they do for this trust.")] = None,
) -> None:
    """End a contact's rights at once, in all or for one trust. What they sent stays.

    Example:

      trust-benchmarks contacts leave ann@example.nhs.uk
    """
    from . import contacts

    contacts.leave(mail, trust)


@contacts_app.command("link")
def contacts_link(
    mail: Annotated[str, typer.Argument(help="Their mail address.", show_default=False)],
) -> None:
    """Print a link by which a contact signs in, once and within 15 minutes; for where no mail goes out.

    Example:

      trust-benchmarks contacts link ann@ra9.example
    """
    from . import contacts

    contacts.link(mail)


@app.command("serve-room")
def serve_room(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)] = 8100,
) -> None:
    """Serve the trusts' room over HTTP until it is stopped (docs/room.md).

    It uses the warehouse that TB_WAREHOUSE_URL names as trust_room (TB_ROOM_PASSWORD), else that of `make run`. TB_ROOM_URL says where
    people reach it.

    Example:

      trust-benchmarks serve-room --port 8100
    """
    from . import portal

    portal.serve(host, port)


@app.command("object-identities")
def object_identities() -> None:
    """Write who may do what at the S3 server (SeaweedFS): the pipeline, readers of exports, backups, and each sender.

    It reads the keys of the environment, as docker-compose.yml gives them, and the senders in the folder TB_S3_IDENTITIES.
    """
    from . import identities

    identities.make()


@sender_app.command("add")
def sender_add(
    provider: Annotated[str, typer.Argument(help="The trust, by its ODS code.", show_default=False)],
    collections: Annotated[list[str], typer.Argument(help="The returns that it sends.", show_default=False)],
) -> None:
    """Make a key by which a trust puts its own returns into the inbox, and does nothing else. It is shown once.

    Examples:

      trust-benchmarks sender add RA9 workforce e_rostering
    """
    from . import identities

    identities.add_sender(provider, collections)


@sender_app.command("remove")
def sender_remove(
    provider: Annotated[str, typer.Argument(help="The trust, by its ODS code.", show_default=False)],
) -> None:
    """Take a trust's key away; the S3 server must be started again."""
    from . import identities

    identities.remove_sender(provider)


@sender_app.command("list")
def sender_list(form: Form = Format.table) -> None:
    """List the trusts that have a key, and what they may send."""
    from . import identities

    identities.list_senders(form)


def run() -> None:
    """Runs a command and reports problems in one sentence. Exit status 2: the request was wrong; 3: an error in this program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that has no £ gets \xa3
    try:
        app()
    except Refused as problem:
        note(str(problem))
        code = 2
    except BrokenPipeError:  # the reader of our output, such as `head`, has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = 130
    except SystemExit:
        raise
    except BaseException as problem:  # also panics of Rust libraries and a lack of memory
        if os.environ.get("TB_DEBUG"):
            raise
        code = _told(problem)
    sys.exit(code)


def _told(problem: BaseException) -> int:
    from ..catalogue import UnknownCollection
    from ..sql.published import Undescribed
    from ..stores.settings import Unconfigured

    if isinstance(problem, UnknownCollection | Unconfigured | Undescribed):
        note(str(problem))
        return 2
    if isinstance(problem, MemoryError):
        note("There is not enough memory for this. Close other programs, or split the file.")
        return 3
    first = (str(problem).strip().splitlines() or [""])[0]
    note(
        f"This is an error in trust-benchmarks ({type(problem).__name__}: {first[:200]}). "
        "Please report it with the command you ran; TB_DEBUG=1 shows where it happened."
    )
    return 3


if __name__ == "__main__":
    run()
