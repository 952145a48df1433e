"""Commands about people and machines of trusts: messages to them, contacts of the room, keys to the inbox."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import Form, Limit, app
from ..output import Format

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
    from .. import messages

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
    from .. import messages

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
    from .. import messages

    messages.prefer(mail, kind, choice)


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
    from .. import contacts

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
    from .. import contacts

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
    from .. import contacts

    contacts.leave(mail, trust)


@contacts_app.command("link")
def contacts_link(
    mail: Annotated[str, typer.Argument(help="Their mail address.", show_default=False)],
) -> None:
    """Print a link by which a contact signs in, once and within 15 minutes; for where no mail goes out.

    Example:
      trust-benchmarks contacts link ann@ra9.example
    """
    from .. import contacts

    contacts.link(mail)


@contacts_app.command("signs")
def contacts_signs(
    mail: Annotated[str, typer.Argument(help="Their mail address.", show_default=False)],
    trust: Annotated[str, typer.Option("--trust", "-t", help="The trust, by ODS code.", show_default=False)],
    end: Annotated[bool, typer.Option("--end", help="They sign no more.")] = False,
) -> None:
    """Say that a contact is their trust's named officer, who signs off figures before they are published.

    Example:
      trust-benchmarks contacts signs ann@example.nhs.uk --trust RA9
    """
    from .. import contacts

    contacts.signs(mail, trust, not end)


sender_app = typer.Typer(
    name="sender", no_args_is_help=True, help="Give a trust a key of its own to the inbox, list them, take one away."
)
app.add_typer(sender_app)


@sender_app.command("add")
def sender_add(
    provider: Annotated[str, typer.Argument(help="The trust, by its ODS code.", show_default=False)],
    collections: Annotated[list[str], typer.Argument(help="The returns that it sends.", show_default=False)],
) -> None:
    """Make a key by which a trust puts its own returns into the inbox, and does nothing else. It is shown once.

    Examples:
      trust-benchmarks sender add RA9 workforce e_rostering
    """
    from .. import identities

    identities.add_sender(provider, collections)


@sender_app.command("remove")
def sender_remove(
    provider: Annotated[str, typer.Argument(help="The trust, by its ODS code.", show_default=False)],
) -> None:
    """Take a trust's key away; the S3 server must be started again."""
    from .. import identities

    identities.remove_sender(provider)


@sender_app.command("list")
def sender_list(form: Form = Format.table) -> None:
    """List the trusts that have a key, and what they may send."""
    from .. import identities

    identities.list_senders(form)


@app.command(name="board-report")
def board_report(
    trust: Annotated[str, typer.Argument(help="The trust, by its ODS code.", show_default=False)],
    half: Annotated[
        str, typer.Argument(help="The first month of the half-year: 2025-04 or 2025-10.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")] = Path(),
) -> None:
    """Write what a trust's board is told of half a year: a page, a PDF, and the exact figures as CSV.

    Example:
      trust-benchmarks board-report RA9 2025-04 --out reports
    """
    from .. import reports

    reports.board(trust, half, out)
