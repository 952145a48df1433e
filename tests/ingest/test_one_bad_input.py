"""One bad input harms nobody else: sound files and poison in one inbox; all sound ones are published, each poison is held with a sentence."""

import gzip
import io
import zipfile

import flow
import pytest
from botocore.exceptions import ClientError
from trust_benchmarks.ingest import expected_returns, inbox, receive, waiting
from trust_benchmarks.reading import read as reading_room
from trust_benchmarks.records import read_and_validate, write
from trust_benchmarks.records.validate_and_record import validate_and_record
from trust_benchmarks.releases import build, candidates, checks, fingerprints, switch
from trust_benchmarks.stores import objects, settings, warehouse
from trust_benchmarks.timeline import refresh as timeline
from trust_benchmarks.validation import validate

MONTHS = ("2025-03", "2025-04", "2025-05", "2025-06", "2025-07")
# Of the 12 trusts that send sound returns of five months.
SOUND = (*flow.TRUSTS, "RXX", "RY8", "RYV", "RX2")


def cell(name: str, value: str, row: int = 3):
    """A change of one cell."""

    def change(rows):
        rows[row][name] = value

    return change


def column(name: str, value: str):
    """A change of a whole column."""

    def change(rows):
        for row in rows:
            row[name] = value

    return change


def returned(period: str | None = None, ods: str | None = None, change=lambda rows: None, scale: float = 1.0) -> bytes:
    """A return whose period and code are these texts in every row."""

    def changed(rows):
        if period is not None:
            column("period", period)(rows)
        if ods is not None:
            column("ods_code", ods)(rows)
        change(rows)

    return flow.workforce(change=changed, scale=scale)


def zipped(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return out.getvalue()


BOOK = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
# name below workforce/ -> content; every one must be held with a sentence.
POISON = {
    # periods that cannot be
    "workforce_RA9_2052-06.csv": returned("2052-06"),
    "workforce_RA9_2205-06.csv": returned("2205-06"),
    "workforce_RA9_0001-01.csv": returned("0001-01"),
    "workforce_RA9_9999-12.csv": returned("9999-12"),
    "workforce_RA9_0025-06.csv": returned("0025-06"),
    "workforce_RA9_2027-12.csv": returned("2027-12"),
    "workforce_RA9_1999-06.csv": returned("1999-06"),
    "about the future.csv": returned("2028-01"),
    "deep/deeper/still deeper/workforce_RHA_2041-02.csv": returned("2041-02", "RHA"),
    # periods that are none, and names that say none
    "workforce_RA9_2025-13.csv": returned("2025-13"),
    "workforce_RA9_2025-00.csv": returned("2025-00"),
    "workforce_RA9_2025²06.csv": returned("2025²06"),
    "workforce_RA9_２０２５-０６.csv": returned("soon"),
    "workforce_RNU_v٣.csv": returned("yesterday", "RNU"),
    "workforce_02079460018.csv": returned("020-7946"),
    "no period at all.csv": returned(""),
    "workforce_2025-06_2025-07_RA9.csv": returned("-"),
    # contradictions
    "workforce_RA9_2025-04_again.csv": returned("2025-05", scale=1.01),
    "workforce_RHA_2025-06_v3.csv": returned("2025-06", "RP7", scale=1.02),
    # senders that cannot be
    "workforce_FINAL_2025-06.csv": returned(ods="FINAL"),
    "workforce_ZZ9_2025-06.csv": returned(ods="ZZ9"),
    "nobody_2025-06.csv": returned(ods=""),
    "workforce_'; DROP TABLE core.submission; --_2025-06.csv": returned(ods="'; DROP"),
    # names
    "%": b"%d %s %(name)s\n",
    "%2e%2e%2fetc%2fpasswd": b"root:x:0:0\n",
    "\U0001f4a9 \u202e fdp.csv": b"\U0001f4a9\n",
    "{}{0}{name!r}.csv": b"{}\n",
    ("n" * 240) + ".csv": b"long\n",
    "a/b/c/d/e/f/g/h/i/j.csv": b"deep\n",
    " leading and trailing .csv ": b"blank\n",
    "_v999999999999999999999999.csv": b"version\n",
    "quote\"'`.csv": b"quotes\n",
    # contents
    "workforce_RA9_2025-06_empty.csv": b"",
    "workforce_RHA_2025-06_empty.csv": b"",
    "nul.csv": b"\x00" * 5000,
    "nul_in_cell_RA9_2025-06.csv": returned(change=cell("fte", "1\x002")),
    "noise.csv": bytes(range(256)) * 50,
    "pdf.csv": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "latin_RT5_2025-06.csv": "code;stück;über\n1;2;3\n".encode("latin-1"),
    "utf16.csv": "nothing,here\n1,2\n".encode("utf-16"),
    "surrogate.csv": b"\xed\xa0\x80,\xed\xb0\x80\n",
    "quote_open_RQY_2025-06.csv": b'ods_code,period,"staff_group\n' + b"x" * 3000,
    "numbers_RA9_2025-06.csv": returned(change=cell("headcount", "9" * 400)),
    "infinite_RA9_2025-06.csv": returned(change=cell("fte", "inf")),
    "one line.csv": b"x" * 200_000,
    "commas.csv": b"," * 100_000,
    # bombs and damaged containers
    "bomb.csv.gz": gzip.compress(gzip.compress(b"\x00" * 5_000_000)),
    "cut.csv.gz": gzip.compress(flow.workforce())[:-20],
    "book.xlsx": zipped(BOOK),
    "bomb.xlsx": zipped(BOOK | {"xl/worksheets/sheet1.xml": b" " * 50_000_000}),
    "laughs.xlsx": zipped(
        BOOK | {"xl/sharedStrings.xml": b'<!DOCTYPE x [<!ENTITY a "ha">]><x>' + b"&a;" * 9999 + b"</x>"}
    ),
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4000,
}


def put_sound(months=MONTHS) -> int:
    for month in months:
        for number, ods in enumerate(SOUND):
            flow.put_return(ods, month, flow.workforce(ods, month, scale=1 + number / 50))
    return len(months) * len(SOUND)


def states() -> dict[str, tuple[str, str | None]]:
    """inbox key -> (state, a sentence that holds it)."""
    return {
        key: (state, message)
        for key, state, message in flow.rows(
            """SELECT r.inbox_key, s.state, (SELECT min(f.message) FROM intake.findings f
                 WHERE f.submission_id = s.submission_id AND f.severity = 'hold')
               FROM core.receipt r JOIN intake.submissions s USING (submission_id)"""
        )
    }


def test_all_sound_returns_are_published_and_each_poison_is_held_with_a_sentence(world):
    assert len(POISON) >= 50
    sound = put_sound()
    names = {}
    for name, content in POISON.items():
        try:
            flow.put(f"workforce/{name}", content)
        except ClientError:  # the store itself takes no such name
            continue
        names[f"workforce/{name}"] = content
    assert len(names) >= 50
    objects.client().put_object(
        Bucket=settings.load().inbox,
        Key="workforce/sample_workforce_RT5_2025-06_v1.csv",
        Body=flow.workforce("RT5", scale=1.7),
        Metadata={"arrived-at": "yesterday", "sample": "true"},
    )
    names["workforce/sample_workforce_RT5_2025-06_v1.csv"] = b""
    for number, month in enumerate(("2024-09", "2024-10", "2024-11")):
        lines = [f"{day}/{month[5:]}/{month[:4]}" for day in (30, 31, 30)]
        flow.put(f"sickness_absence/sickness_{number}_2052-06.csv", ("DATE\n" + "\n".join(lines)).encode())
    said = flow.take_in()
    assert said["accepted"] == sound, said
    found = states()
    for key in names:
        state, message = found[key]
        assert state == "held", (key, state)
        assert message and message.strip().endswith((".", "?", ")")), (key, message)
        assert "Traceback" not in message
    assert flow.value("SELECT count(*) FROM intake.waiting") == 0
    flow.release()
    published = flow.value(
        "SELECT count(*) FROM published.measures WHERE metric_id = 'WF01' AND value IS NOT NULL AND collection = 'workforce'"
    )
    assert published == sound
    for table in ("core.expected", "core.calendar", "core.release"):
        periods = {p for (p,) in flow.rows(f"SELECT period FROM {table} WHERE collection = 'workforce'")}
        assert not periods & {"2052-06", "2205-06", "9999-12", "0001-01", "0025-06", "2028-01", "1999-06"}, table
    assert not flow.rows("SELECT 1 FROM core.timeline WHERE period >= '2030' OR period < '2000'")
    assert not flow.rows("SELECT 1 FROM core.submission WHERE period >= '2027' OR period < '2000'")


def test_a_file_that_breaks_our_code_is_held_by_us_and_logged(world, monkeypatch, caplog):
    for number, ods in enumerate(flow.TRUSTS):
        flow.put_return(ods, "2025-06", flow.workforce(ods, scale=1 + number / 10))
    plain = validate.validate

    def breaks(reading, *given):
        if reading.sender == "RHA":
            raise KeyError("a fault of ours")
        return plain(reading, *given)

    monkeypatch.setattr(validate, "validate", breaks)
    with caplog.at_level("INFO"), flow.logged() as lines:
        said = flow.take_in()
    assert (said["accepted"], said["held"]) == (len(flow.TRUSTS) - 1, 1)
    ((submission_id, severity, responsible, message),) = flow.rows(
        "SELECT submission_id, severity, responsible, message FROM intake.findings WHERE rule_id = 'SYS-ERROR'"
    )
    assert (severity, responsible) == ("hold", "us")
    assert "We must act" in message and "KeyError" not in message
    (line,) = [one for one in lines if one["event"] == "broke"]
    assert line["submission_id"] == submission_id and line["log_level"] == "error"
    assert "KeyError" in line["problem"] and line["at"].startswith("test_one_bad_input.py:")
    validated = [one for one in lines if one["event"] == "validated"]
    assert len(validated) == len(flow.TRUSTS) and all(one["seconds"] >= 0 and "rows_read" in one for one in validated)


def test_a_file_whose_reading_or_recording_breaks_is_registered_and_held(world, monkeypatch):
    flow.put("workforce/odd.csv", flow.workforce(scale=1.3))
    flow.put_return("RHA", "2025-06", flow.workforce("RHA"))
    flow.put_return("RNU", "2025-06", flow.workforce("RNU"))
    plain, record = reading_room.read, write.add_validations

    class PanicException(BaseException):
        """As libraries written in Rust raise it."""

    def panics(content, file_name, *given):
        if file_name == "odd.csv":
            raise PanicException("index out of bounds")
        return plain(content, file_name, *given)

    def refuses(connection, validated):
        if any(one.outcome.reading.sender == "RHA" for one in validated):
            raise ValueError("a value that PostgreSQL does not keep")
        return record(connection, validated)

    for room in (read_and_validate, reading_room):
        monkeypatch.setattr(room, "read", panics)
    monkeypatch.setattr(write, "add_validations", refuses)
    assert flow.take_in() == {"received": 3, "again": 0, "accepted": 1, "held": 1}
    assert flow.rows(
        "SELECT file_name FROM intake.submissions JOIN intake.findings USING (submission_id) WHERE rule_id = 'SYS-ERROR' ORDER BY 1"
    ) == [("odd.csv",), ("workforce_RHA_2025-06_v1.csv",)]


def test_an_object_that_is_gone_or_cannot_be_had_keeps_no_other_back(world, monkeypatch):
    for number, ods in enumerate(flow.TRUSTS):
        flow.put_return(ods, "2025-06", flow.workforce(ods, scale=1 + number / 10))
    plain = objects.look
    answers = {"RA9": ("NoSuchKey", 404), "RHA": ("PreconditionFailed", 412), "RNU": ("InternalError", 500)}

    def look(bucket, key, etag=None, **kwargs):
        for ods, (code, status) in answers.items():
            if f"_{ods}_" in key:
                raise ClientError(
                    {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject"
                )
        return plain(bucket, key, etag, **kwargs)

    with monkeypatch.context() as failing:
        failing.setattr(objects, "look", look)
        said = receive.receive("workforce")
    assert said["received"] == len(flow.TRUSTS) - 3
    assert list(said["failed"]) == ["workforce/workforce_RNU_2025-06_v1.csv"]
    assert receive.receive("workforce")["received"] == 3


def test_a_store_that_gives_nothing_is_down_and_holds_nobody(world, monkeypatch):
    for ods in flow.TRUSTS:
        flow.put_return(ods, "2025-06", flow.workforce(ods))

    def down(*_, **__):
        raise ClientError({"Error": {"Code": "503"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "GetObject")

    with monkeypatch.context() as failing:
        failing.setattr(objects, "look", down)
        with pytest.raises(ClientError):
            receive.receive("workforce")
    assert flow.value("SELECT count(*) FROM core.submission") == 0
    assert receive.receive("workforce")["received"] == len(flow.TRUSTS)


def test_a_damaged_archive_object_fails_the_task_when_the_others_are_done(world):
    for ods in flow.TRUSTS[:3]:
        flow.put_return(ods, "2025-06", flow.workforce(ods))
    receive.receive()
    (batch,) = waiting.batches("workforce", "2025-06")
    with pytest.raises(LookupError, match="nowhere"):
        validate_and_record(["nowhere", *batch])
    assert flow.value("SELECT count(*) FROM intake.submissions WHERE state = 'accepted'") == 3


def test_a_deadline_that_cannot_be_worked_out_is_left_for_later(world):
    with flow.logged() as lines:
        assert expected_returns.expect("workforce", {"2027-12"}) == 0
        assert expected_returns.expect("workforce", {"2027-12", "2025-06"}) > 50
    assert any(one["event"] == "no_deadline" and "2027-12" in one.values() for one in lines)


def test_one_release_that_fails_does_not_stop_the_others(world, monkeypatch):
    for month in ("2025-05", "2025-06"):
        flow.put_return("RA9", month, flow.workforce("RA9", month))
    flow.take_in()
    plain_rests, plain_figures = fingerprints.rests_on, build.figures

    def figures(given):
        if given.period == "2025-05":
            raise ZeroDivisionError("a fault of ours")
        return plain_figures(given)

    monkeypatch.setattr(build, "figures", figures)
    failed = build.make_each(candidates.stale())
    assert [pair for pair, _ in failed] == [("workforce", "2025-05")]
    assert switch.switch().changed == 1

    def rests_on(collection, period):
        if period == "2025-05":
            raise ValueError("a period that breaks this")
        return plain_rests(collection, period)

    monkeypatch.setattr(fingerprints, "rests_on", rests_on)
    assert candidates.stale() == []
    assert flow.rows("SELECT period FROM core.current_release") == [("2025-06",)]


def test_a_check_that_breaks_on_one_release_does_not_stop_the_switch(world, monkeypatch):
    for month in ("2025-05", "2025-06"):
        flow.put_return("RA9", month, flow.workforce("RA9", month))
    flow.take_in()
    assert build.make_each(candidates.stale()) == []
    plain = checks.run

    def run(connection, asked):
        if any("2025-05" in release_id for release_id, _ in asked):
            connection.execute("SELECT 1 / 0")
        plain(connection, asked)

    monkeypatch.setattr(checks, "run", run)
    assert switch.switch().changed == 1
    assert flow.rows("SELECT period FROM core.current_release") == [("2025-06",)]


def test_one_period_that_breaks_the_timeline_keeps_its_events_and_the_others_are_refreshed(world, monkeypatch):
    for month in ("2025-05", "2025-06"):
        flow.put_return("RA9", month, flow.workforce("RA9", month))
    flow.take_in()
    timeline.refresh()
    before = flow.value("SELECT count(*) FROM core.timeline WHERE period = '2025-05'")
    flow.put_return("RHA", "2025-06", flow.workforce("RHA"))
    flow.take_in()
    text = timeline.sql.text

    def broken(name):
        found = text(name)
        if not name.endswith("returns.sql"):
            return found
        return found.replace(
            "FROM sent WHERE outcome",
            "FROM sent WHERE 1 / (CASE period WHEN '2025-05' THEN 0 ELSE 1 END) = 1 AND outcome",
        )

    monkeypatch.setattr(timeline.sql, "text", broken)
    done = timeline.refresh()
    assert done["failed"] == ["returns of workforce 2025-05"]
    assert flow.value("SELECT count(*) FROM core.timeline WHERE period = '2025-05'") == before
    assert (
        flow.value(
            "SELECT count(*) FROM core.timeline WHERE period = '2025-06' AND provider_code = 'RHA' AND kind = 'accepted'"
        )
        == 1
    )


def test_what_was_registered_for_an_impossible_period_before_is_held_and_blocks_nobody(world):
    """As a version did that took 2052-06 for a period."""
    flow.put_return("RA9", "2025-06", flow.workforce("RA9"))
    receive.receive()
    content = returned("2052-06")
    flow.put("workforce/x.csv", content)
    with warehouse.connect() as connection:
        found = {o.key: o for o in objects.listing(settings.load().inbox, "workforce/")}
        arrival = inbox.archive("workforce", found["workforce/x.csv"])
        connection.execute(
            """INSERT INTO core.submission (submission_id, collection, period, sender, part, version, sha256, bytes, file_name, archive_key,
                 received_at, is_sample) VALUES (%s, 'workforce', '2052-06', 'RA9', '', 1, %s, 1, 'x.csv', %s, now(), false)""",
            [arrival.submission_id, arrival.sha256, inbox.archive_key(arrival.sha256)],
        )
    assert receive.receive()["waiting"] == [["workforce", "2025-06"]]
    assert flow.take_in()["accepted"] == 1
    assert flow.release() == [("workforce", "2025-06")]
    assert flow.rows("SELECT state FROM intake.submissions WHERE period = '2052-06'") == [("held",)]
