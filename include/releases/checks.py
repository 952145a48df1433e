"""Checks releases before they are switched to: SQL files over the release that stands and the one that is to come.

What failed is kept in core.release_check; `candidates.Candidate.blocked` says that it holds a release back.
"""

from itertools import takewhile

import psycopg

from .. import sql

FOLDER = sql.FOLDER / "release_checks"


def words() -> dict[str, str]:
    """Each check and what it asks for: the comment at the head of its file."""
    return {
        path.stem: " ".join(
            line.removeprefix("--").strip()
            for line in takewhile(lambda line: line.startswith("--"), path.read_text(encoding="utf-8").splitlines())
        )
        for path in sorted(FOLDER.glob("*.sql"))
    }


def run(connection: psycopg.Connection, candidates: list[tuple[str, str | None]]) -> None:
    """Runs every check on every candidate and keeps what it says, in the caller's transaction; twice says it once.

    Args:
        candidates: (release, the release that stands or None). A sample is no measure for a real release, nor the other way round: such
            a pair is asked only what is asked of a first release.
    """
    if not candidates:
        return
    connection.execute(
        """CREATE TEMP TABLE candidate ON COMMIT DROP AS
           SELECT r.release_key, o.release_key AS against_key, coalesce(o.is_sample = r.is_sample, false) AS comparable
           FROM unnest(%s::text[], %s::text[]) AS c (release_id, against)
           JOIN core.release r USING (release_id) LEFT JOIN core.release o ON o.release_id = c.against""",
        [[one for one, _ in candidates], [against for _, against in candidates]],
    )
    for check in words():
        connection.execute(
            # psycopg.sql is not needed: the file's text is ours and has no parameters.
            "INSERT INTO core.release_check (release_key, against_key, check_id, subject, passed, message) "
            f"WITH found AS ({sql.text(f'release_checks/{check}.sql')}) "
            "SELECT c.release_key, c.against_key, k.check_id, coalesce(f.subject, ''), f.release_key IS NULL, coalesce(f.message, '') "
            f"FROM candidate c CROSS JOIN (SELECT '{check}' AS check_id) k "
            "LEFT JOIN (SELECT release_key, subject, min(message) AS message FROM found GROUP BY 1, 2) f USING (release_key) "
            "ON CONFLICT DO NOTHING"
        )
    connection.execute("DROP TABLE candidate")
