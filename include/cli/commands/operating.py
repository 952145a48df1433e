"""Commands for whoever runs the service."""

from pathlib import Path
from typing import Annotated

import typer

from ..app import Form, app
from ..output import Format


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
    from .. import fetch as fetching

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
    from .. import reference

    reference.propose(holidays, form)


@app.command()
def prepare() -> None:
    """Prepare an installation, once and after an upgrade: databases, roles, buckets, schemas, reference data, pools, log ins.

    Reads the environment; docker-compose.yml shows which variables. Safe to repeat.

    Example:
      trust-benchmarks prepare
    """
    from .. import prepare as preparing

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
    from .. import operations

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
    from .. import operations

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
    from .. import operations

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
    from .. import operations

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
    from .. import api

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
    from .. import api

    api.new_key(name, commercial)


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
    from .. import portal

    portal.serve(host, port)


@app.command("object-identities")
def object_identities() -> None:
    """Write who may do what at the S3 server (SeaweedFS): the pipeline, readers of exports, backups, and each sender.

    It reads the keys of the environment, as docker-compose.yml gives them, and the senders in the folder TB_S3_IDENTITIES.
    """
    from .. import identities

    identities.make()
