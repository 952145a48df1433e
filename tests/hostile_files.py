"""Made-up files that somebody might send to take a machine down: each a name and what makes its bytes.

Run it to write them to a folder: python tests/hostile_files.py FOLDER
"""

import gzip
import io
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import flow

MB = 1 << 20
SOUND = flow.workforce()
HEAD, *ROWS = SOUND.splitlines(keepends=True)
WIDTH = HEAD.count(b",") + 1
WRONG = b",".join([b"x"] * WIDTH) + b"\n"
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = b"http://schemas.openxmlformats.org/package/2006/relationships"
LAUGHS = b'<!DOCTYPE l [<!ENTITY a0 "lol">' + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
) + b"]>"  # fmt: skip

FILES: dict[str, Callable[[], bytes]] = {}


def add(name: str, make: Callable[[], bytes]) -> None:
    assert name not in FILES, name
    FILES[name] = make


# Text -----------------------------------------------------------------------------------------------------------------


def with_cell(content: bytes) -> bytes:
    """A sound return with one cell that says this."""
    first = ROWS[0].split(b",")
    return HEAD + b",".join([first[0], first[1], content, *first[3:]]) + b"".join(ROWS[1:])


TEXTS = {
    "nothing": lambda: b"",
    "one byte": lambda: b"a",
    "a mark alone": lambda: b"\xef\xbb\xbf",
    "a million marks": lambda: b"\xef\xbb\xbf" * 1_000_000 + SOUND,
    "zeros": lambda: bytes(20 * MB),
    "zeros after the head": lambda: HEAD + bytes(20 * MB),
    "line ends": lambda: b"\n" * 30 * MB,
    "line ends after the rows": lambda: SOUND + b"\r\n" * 10 * MB,
    "returns alone": lambda: SOUND.replace(b"\n", b"\r") * 3,
    "commas": lambda: b"," * 30 * MB,
    "commas after the head": lambda: HEAD + b"," * 30 * MB,
    "blanks": lambda: b" " * 40 * MB + SOUND,
    "a line of 60 MB": lambda: b"a" * 60 * MB,
    "a line of 60 MB after the head": lambda: HEAD + b"a" * 60 * MB,
    "a line of 60 MB of commas in the middle": lambda: HEAD + ROWS[0] + b"1," * 30 * MB + ROWS[1],
    "larger than is read": lambda: HEAD + WRONG * (66 * MB // len(WRONG)),
    "an open quote and 50 MB": lambda: HEAD + b'"' + ROWS[0] * (50 * MB // len(ROWS[0])),
    "quotes alone": lambda: HEAD + b'"' * 30 * MB,
    "quotes and commas": lambda: HEAD + b'",' * 10 * MB,
    "doubled quotes": lambda: HEAD + b'""' * 10 * MB + b"\n",
    "stray quotes": lambda: HEAD + b'a"b,' * 5 * MB,
    "a cell of 20 MB": lambda: with_cell(b'"' + b"a" * 20 * MB + b'"'),
    "a cell of a million lines": lambda: with_cell(b'"' + b"a\n" * 1_000_000 + b'"'),
    "a cell of a million commas": lambda: with_cell(b'"' + b"a," * 1_000_000 + b'"'),
    "a hundred thousand columns": lambda: b",".join(b"c%d" % n for n in range(100_000)) + b"\n1\n",
    "two million columns": lambda: b"a," * 2_000_000 + b"\n" + b"1," * 2_000_000,
    "headings of a megabyte": lambda: b",".join([b"h" * MB] * 20) + b"\n" + b",".join([b"1"] * 20),
    "one heading a thousand times": lambda: b",".join([b"ods_code"] * 1000) + b"\nRA9\n",
    "every heading twice": lambda: HEAD.strip() + b"," + HEAD + WRONG.strip() + b"," + WRONG,
    "the head a hundred thousand times": lambda: HEAD * 100_000,
    "rows without end": lambda: HEAD + ROWS[0] * 300_000,
    "wrong rows": lambda: HEAD + WRONG * 100_000,
    "other wrong rows": lambda: HEAD + b"".join(
        b",".join(b"w%d" % (n * WIDTH + k) for k in range(WIDTH)) + b"\n" for n in range(60_000)
    ),
    "rows of all widths": lambda: HEAD + b"".join(b"1," * (n % 60) + b"\n" for n in range(200_000)),
    "rows of one cell": lambda: HEAD + b"1\n" * 3_000_000,
    "three million rows of one column": lambda: b"ods_code\n" + b"RA9\n" * 3_000_000,
    "UTF-16 of 60 MB": lambda: ("a" * 30 * MB).encode("utf-16"),
    "UTF-16 cut in a letter": lambda: SOUND.decode().encode("utf-16")[:-1],
    "UTF-16 halves of pairs": lambda: b"\xff\xfe" + b"\x00\xd8" * MB,
    "UTF-32": lambda: SOUND.decode().encode("utf-32"),
    "UTF-7": lambda: SOUND.decode().encode("utf-7") + b"+AGEAYg-" * 100_000,
    "letters of four bytes": lambda: with_cell("😀".encode() * 10 * MB),
    "letters cut off": lambda: SOUND + "é".encode()[:1],
    "bytes of no encoding": lambda: with_cell(bytes(range(128, 256))),
    "two encodings": lambda: with_cell("é".encode()) + with_cell("é".encode("cp1252")),
    "surrogates in UTF-8": lambda: with_cell(b"\xed\xa0\x80" * 1000),
    "controls": lambda: with_cell(bytes(range(1, 32))),
    "NULs in cells": lambda: with_cell(b"1\x002"),
    "a NUL in every cell": lambda: SOUND.replace(b",", b"\x00,"),
    "marks that stand on one another": lambda: with_cell(b"a" + "\u0300".encode() * 1_000_000),
    "text turned round": lambda: with_cell("\u202e\u2066gbp.exe".encode()),
    "blanks of a million letters": lambda: with_cell(b" " * 1_000_000 + b"1"),
    "a number of a million digits": lambda: with_cell(b"9" * 1_000_000),
    "a number with a million commas": lambda: with_cell(b'"' + b"1,000" * 200_000 + b'"'),
    "a number beyond all": lambda: with_cell(b"1e99999999999"),
    "an exponent of a million digits": lambda: with_cell(b"1e" + b"9" * 1_000_000),
    "infinity": lambda: with_cell(b"Infinity"),
    "not a number": lambda: with_cell(b"NaN"),
    "a hexadecimal number": lambda: with_cell(b"0x1p1000"),
    "a fraction of a million digits": lambda: with_cell(b"0." + b"0" * 1_000_000 + b"1"),
    "more than 64 bits": lambda: with_cell(b"18446744073709551617"),
    "a date of the year 99999": lambda: SOUND.replace(b"2025-06", b"99999-06"),
    "a period of a million letters": lambda: SOUND.replace(b"2025-06", b"2025-06" * 100_000, 1),
    "a code of a million letters": lambda: SOUND.replace(b"RA9", b"RA9" * 300_000, 1),
    "brackets": lambda: with_cell(b"(" * 1_000_000),
    "a cell for a careless pattern": lambda: with_cell(b"a" * 200_000 + b"!"),
    "spaces and digits for a careless pattern": lambda: with_cell(b"1 " * 200_000 + b"!"),
    "formulas": lambda: with_cell(b"=cmd|' /C calc'!A0"),
    "an escape sequence": lambda: with_cell(b"\x1b[2J\x1b]0;x\x07"),
    "SQL": lambda: with_cell(b"'); DROP TABLE core.submission; --"),
    "a template": lambda: with_cell(b"{0.__class__.__mro__} %s %n {} {{7*7}}"),
    "mark-up of 50 MB": lambda: b"<html>" + b"<table><tr><td>1" * (50 * MB // 16),
    "JSON nested a million times": lambda: b"[" * 1_000_000,
    "semicolons and tabs": lambda: SOUND.replace(b",", b";\t"),
    "every delimiter": lambda: b",;\t|" * 5 * MB,
}  # fmt: skip
for words, make_text in TEXTS.items():
    add(f"{words}.csv", make_text)


# gzip -----------------------------------------------------------------------------------------------------------------


def packed_zeros(size: int, before: bytes = b"") -> bytes:
    """A gzip file of that many zeros, made without having them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(before)]
    block = bytes(4 * MB)
    pieces += [packer.compress(block) for _ in range(size // len(block))]
    return b"".join(pieces) + packer.flush()


def gzip_head(name: bytes) -> bytes:
    """A gzip file whose head has a file name of its own."""
    plain = gzip.compress(SOUND)
    return plain[:3] + b"\x08" + plain[4:10] + name + b"\x00" + plain[10:]


PACKED = {
    "a gigabyte of zeros": lambda: packed_zeros(1024 * MB),
    "a sound head and a gigabyte": lambda: packed_zeros(1024 * MB, HEAD),
    "a line of 300 MB": lambda: gzip.compress(HEAD + b"a" * 300 * MB, 1),
    "packed five times": lambda: (lambda c: gzip.compress(gzip.compress(gzip.compress(c))))(packed_zeros(1024 * MB)),
    "20,000 parts": lambda: gzip.compress(b"a") * 20_000,
    "empty parts": lambda: gzip.compress(b"") * 9_000,
    "a million zeros after it": lambda: gzip.compress(SOUND) + bytes(MB),
    "garbage after it": lambda: gzip.compress(SOUND) + b"garbage",
    "a name of 20 MB": lambda: gzip_head(b"n" * 20 * MB),
    "nothing packed": lambda: gzip.compress(b""),
    "a wrong check sum": lambda: (lambda c: c[:-8] + b"\x00\x00\x00\x00" + c[-4:])(gzip.compress(SOUND)),
    "a wrong length": lambda: gzip.compress(SOUND)[:-4] + b"\xff\xff\xff\xff",
    "another method": lambda: b"\x1f\x8b\x07" + gzip.compress(SOUND)[3:],
    "the head alone": lambda: b"\x1f\x8b",
    "flags": lambda: b"\x1f\x8b\x08\xff" + gzip.compress(SOUND)[4:],
    "wrong rows packed": lambda: gzip.compress(HEAD + WRONG * 500_000, 1),
    "a workbook": lambda: gzip.compress(book()),
    "a gzip file in a workbook's name": lambda: gzip.compress(packed_zeros(100 * MB)),
}
for words, make_packed in PACKED.items():
    add(f"{words}.csv.gz", make_packed)
for share in (10, 50, 90, 99):
    add(
        f"cut off at {share} percent.csv.gz",
        lambda share=share: (lambda c: c[: len(c) * share // 100])(gzip.compress(SOUND)),
    )


# Workbooks ------------------------------------------------------------------------------------------------------------


def sheet(rows: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return (
        b"<?xml version='1.0'?>"
        + before
        + b"<worksheet "
        + MAIN
        + b"><sheetData>"
        + rows
        + b"</sheetData>"
        + after
        + b"</worksheet>"
    )


def text_row(number: int, cells: list[bytes]) -> bytes:
    inline = b"".join(
        b'<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>' % (letters(k), number, c) for k, c in enumerate(cells)
    )
    return b'<row r="%d">%s</row>' % (number, inline)


def letters(number: int) -> bytes:
    text, number = b"", number + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = bytes([65 + rest]) + text
    return text


TABLE = b"".join(text_row(n, row.strip().split(b",")) for n, row in enumerate([HEAD, *ROWS], 1))
LIST = b'<sheet name="Data" sheetId="1" r:id="rId1"/>'


def parts(rows: bytes = TABLE, sheets: bytes = LIST, prolog: bytes = b"", **more: bytes) -> dict[str, bytes]:
    """The parts of a small workbook; `more` by name, with __ for / and _dot_ for a point."""
    found = {
        "[Content_Types].xml": b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        b'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
        b'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": b'<Relationships xmlns="%s"><Relationship Id="rId1" Type="%s/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        % (PACKAGE, RELS),
        "xl/workbook.xml": b"<?xml version='1.0'?>" + prolog + b'<workbook %s xmlns:r="%s"><sheets>%s</sheets></workbook>' % (MAIN, RELS, sheets),
        "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="%s"><Relationship Id="rId1" Type="%s/worksheet" Target="worksheets/sheet1.xml"/>'
        b'<Relationship Id="rId2" Type="%s/sharedStrings" Target="sharedStrings.xml"/></Relationships>' % (PACKAGE, RELS, RELS),
        "xl/worksheets/sheet1.xml": sheet(rows),
    }  # fmt: skip
    return found | {name.replace("__", "/").replace("_dot_", "."): content for name, content in more.items()}


def zipped(names: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, level: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=level) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return out.getvalue()


def book(rows: bytes = TABLE, **more) -> bytes:
    return zipped(parts(rows, **more))


def with_part(name: str, content: bytes) -> bytes:
    return zipped(parts() | {name: content})


def shared(
    strings: bytes, rows: bytes = b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>', before: bytes = b""
) -> bytes:
    return zipped(
        parts(rows)
        | {"xl/sharedStrings.xml": b"<?xml version='1.0'?>" + before + b"<sst " + MAIN + b">" + strings + b"</sst>"}
    )


def many_sheets(count: int, one_part: bool = False, state: bytes = b"") -> bytes:
    names = parts()
    names["xl/workbook.xml"] = b'<workbook %s xmlns:r="%s"><sheets>' % (MAIN, RELS) + b"".join(
        b'<sheet name="S%d" sheetId="%d" %s r:id="rId%d"/>' % (n, n, state, n) for n in range(1, count + 1)
    ) + b"</sheets></workbook>"  # fmt: skip
    names["xl/_rels/workbook.xml.rels"] = b'<Relationships xmlns="%s">' % PACKAGE + b"".join(
        b'<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>' % (n, RELS, 1 if one_part else n)
        for n in range(1, count + 1)
    ) + b"</Relationships>"  # fmt: skip
    if not one_part:
        names |= {
            f"xl/worksheets/sheet{n}.xml": sheet(b'<row r="1"><c r="A1"><v>1</v></c></row>')
            for n in range(1, count + 1)
        }
    return zipped(names)


def lying(content: bytes, name: bytes, size: int) -> bytes:
    """A zip file in which both heads of a member say that it has another size."""
    changed = bytearray(content)
    at = 0
    while (at := changed.find(b"PK\x03\x04", at)) >= 0:
        if changed[at + 30 : at + 30 + len(name)] == name:
            changed[at + 22 : at + 26] = struct.pack("<I", size)
        at += 4
    at = 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        if changed[at + 46 : at + 46 + len(name)] == name:
            changed[at + 24 : at + 28] = struct.pack("<I", size)
        at += 4
    return bytes(changed)


def patched(content: bytes, mark: bytes, offset: int, value: bytes, every: bool = True) -> bytes:
    """A zip file with bytes changed at an offset from each record of a kind."""
    changed, at = bytearray(content), 0
    while (at := changed.find(mark, at)) >= 0:
        changed[at + offset : at + offset + len(value)] = value
        at += 4
        if not every:
            break
    return bytes(changed)


def overlapping(count: int) -> bytes:
    """A zip file whose list names one member again and again."""
    content = zipped({"xl/workbook.xml": bytes(10 * MB)})
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entries = content[start:end] * count
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entries), start, 0)
    return content[:start] + entries + tail


BLANK_ROWS = b"".join(b'<row r="%d"><c r="A%d"/></row>' % (n, n) for n in range(1, 400_001))
BOOKS = {
    "a sheet of 150 MB of blanks": lambda: book(b" " * 150 * MB),
    "a sheet of a gigabyte that says so": lambda: book(bytes(500 * MB)),
    "a sheet that says it is small": lambda: lying(book(b" " * 400 * MB), b"xl/worksheets/sheet1.xml", 1000),
    "a list of sheets that says it is small": lambda: lying(
        with_part("xl/workbook.xml", b"<workbook>" + b" " * 400 * MB), b"xl/workbook.xml", 1000
    ),
    "shared strings that say they are small": lambda: lying(shared(b"<si><t>" + b"a" * 400 * MB + b"</t></si>"), b"xl/sharedStrings.xml", 1000),
    "a sheet that says it has nothing": lambda: lying(book(), b"xl/worksheets/sheet1.xml", 0),
    "a sheet that says it has 4 GB": lambda: lying(book(), b"xl/worksheets/sheet1.xml", 0xFFFFFFFE),
    "one shared string of 150 MB": lambda: shared(b"<si><t>" + b"a" * 150 * MB + b"</t></si>"),
    "a long shared string in every cell": lambda: shared(
        b"<si><t>" + b"a" * MB + b"</t></si>", b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 3000))
    ),
    "nine million shared strings": lambda: shared(b"<si><t/></si>" * 9_000_000),
    "a shared string that is not there": lambda: shared(b"", b'<row r="1"><c r="A1" t="s"><v>4294967295</v></c></row>'),
    "10,000 sheets": lambda: many_sheets(10_000),
    "10,000 sheets on one part": lambda: many_sheets(10_000, one_part=True),
    "10,000 hidden sheets": lambda: many_sheets(10_000, one_part=True, state=b'state="hidden"'),
    "no sheet": lambda: book(sheets=b""),
    "a sheet without a part": lambda: zipped({k: v for k, v in parts().items() if "sheet1" not in k}),
    "a sheet that is the list of sheets": lambda: with_part(
        "xl/_rels/workbook.xml.rels", parts()["xl/_rels/workbook.xml.rels"].replace(b"worksheets/sheet1.xml", b"workbook.xml")
    ),
    "a sheet outside": lambda: with_part(
        "xl/_rels/workbook.xml.rels", parts()["xl/_rels/workbook.xml.rels"].replace(b"worksheets/sheet1.xml", b"../../../../etc/passwd")
    ),
    "a sheet name of a megabyte": lambda: book(sheets=b'<sheet name="%s" sheetId="1" r:id="rId1"/>' % (b"n" * MB)),
    "a sheet named twice": lambda: book(sheets=LIST * 2),
    "entities in the list of sheets": lambda: book(prolog=LAUGHS, sheets=b'<sheet name="&a11;" sheetId="1" r:id="rId1"/>'),
    "entities in a sheet": lambda: with_part("xl/worksheets/sheet1.xml", sheet(b'<row r="1"><c r="A1"><v>&a11;</v></c></row>', LAUGHS)),
    "entities in shared strings": lambda: shared(b"<si><t>&a11;</t></si>", before=LAUGHS),
    "entities in links": lambda: with_part("xl/_rels/workbook.xml.rels", LAUGHS + b"<l>&a11;</l>"),
    "an entity from a file": lambda: with_part(
        "xl/workbook.xml", b'<!DOCTYPE l [<!ENTITY f SYSTEM "file:///etc/passwd">]><workbook>&f;</workbook>'
    ),
    "a million nested tags": lambda: book(b"<a>" * 1_000_000 + b"</a>" * 1_000_000),
    "a million nested tags in the list of sheets": lambda: with_part("xl/workbook.xml", b"<a>" * 1_000_000 + b"</a>" * 1_000_000),
    "tags that are not closed": lambda: book(b"<row><c " * 10_000_000),
    "an attribute of 100 MB": lambda: book(b'<row r="%s"/>' % (b"1" * 100 * MB)),
    "a cell with an attribute of 50 MB": lambda: book(b'<row r="1"><c x="%s" r="A1"><v>1</v></c></row>' % (b"y" * 50 * MB)),
    "a million attributes": lambda: book(b"<row %s/>" % b" ".join(b'a%d="1"' % n for n in range(1_000_000))),
    "a comment of 150 MB": lambda: book(b"<!--" + b"x" * 150 * MB + b"-->"),
    "character data of 150 MB": lambda: book(b'<row r="1"><c r="A1" t="inlineStr"><is><t><![CDATA[' + b"x" * 150 * MB + b"]]></t></is></c></row>"),
    "XML in UTF-16": lambda: with_part("xl/worksheets/sheet1.xml", sheet(TABLE).decode().encode("utf-16")),
    "XML of no encoding": lambda: with_part("xl/worksheets/sheet1.xml", b"\xff\xfe\x00" + sheet(TABLE)),
    "characters that XML has not": lambda: book(b'<row r="1"><c r="A1"><v>\x01\x02&#0;&#xFFFF;</v></c></row>'),
    "a cell in the last corner": lambda: book(TABLE + b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "a cell beyond all columns": lambda: book(b'<row r="1"><c r="ZZZZZZZZ1"><v>1</v></c></row>'),
    "a row beyond all rows": lambda: book(b'<row r="99999999999999999999"><c r="A99999999999999999999"><v>1</v></c></row>'),
    "a row of no number": lambda: book(b'<row r="-1"><c r="A-1"><v>1</v></c></row>'),
    "a cell that says 64 bits": lambda: book(b'<row r="18446744073709551615"><c r="A18446744073709551615"><v>1</v></c></row>'),
    "an extent that lies": lambda: with_part("xl/worksheets/sheet1.xml", sheet(TABLE).replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')),
    "an extent backwards": lambda: with_part("xl/worksheets/sheet1.xml", sheet(TABLE).replace(b"<sheetData>", b'<dimension ref="XFD9:A1"/><sheetData>')),
    "cells without addresses": lambda: book(b"<row>" + b"<c><v>1</v></c>" * 16_000 + b"</row>" + b"<row/>" * 500_000),
    "four million cells": lambda: book(b"".join(b"<row>" + b"<c><v>1</v></c>" * 2000 + b"</row>" for _ in range(2000))),
    "blank rows": lambda: book(TABLE + BLANK_ROWS),
    "a million rows": lambda: book(b"<row/>" * 5_000_000),
    "a million merged cells": lambda: with_part(
        "xl/worksheets/sheet1.xml", sheet(TABLE, after=b"<mergeCells>" + b'<mergeCell ref="A1:B9"/>' * 1_000_000 + b"</mergeCells>")
    ),
    "half a million formulas": lambda: book(b"".join(b'<row r="%d"><c r="A%d"><f>A%d</f></c></row>' % (n, n, n) for n in range(1, 500_001))),
    "half a million errors": lambda: book(b"".join(b'<row r="%d"><c r="A%d" t="e"><v>#SPILL!</v></c></row>' % (n, n) for n in range(1, 500_001))),
    "errors without values": lambda: book(b'<row r="1"><c r="A1" t="e"><v></v>' * 100_000),
    "a date beyond all": lambda: book(b'<row r="1"><c r="A1" t="d"><v>99999999-99-99T99</v></c><c r="B1"><v>1e308</v></c></row>'),
    "a number of a megabyte": lambda: book(b'<row r="1"><c r="A1"><v>%s</v></c></row>' % (b"9" * MB)),
    "styles of 100 MB": lambda: with_part("xl/styles.xml", b"<styleSheet " + MAIN + b"><numFmts>" + b'<numFmt numFmtId="1" formatCode="0"/>' * 2_500_000 + b"</numFmts></styleSheet>"),
    "a format that is careless": lambda: with_part("xl/styles.xml", b"<styleSheet " + MAIN + b'><numFmts><numFmt numFmtId="200" formatCode="' + b"[" * MB + b'"/></numFmts></styleSheet>'),
    "60,000 members": lambda: zipped(parts() | {f"x/{n}": b"" for n in range(60_000)}, zipfile.ZIP_STORED),
    "one member again and again": lambda: overlapping(60_000),
    "a zip file in a zip file": lambda: zipped({"a.zip": zipped({"b.zip": zipped(parts())})}),
    "a plain zip file": lambda: zipped({"return.csv": SOUND}),
    "a zip file of zeros": lambda: zipped({"return.csv": bytes(400 * MB)}),
    "packed by lzma": lambda: zipped(parts(), zipfile.ZIP_LZMA, None),
    "packed by bzip2": lambda: zipped(parts(), zipfile.ZIP_BZIP2),
    "packed in a way of tomorrow": lambda: patched(patched(book(), b"PK\x01\x02", 10, b"\x63\x00"), b"PK\x03\x04", 8, b"\x63\x00"),
    "locked": lambda: patched(patched(book(), b"PK\x01\x02", 8, b"\x01\x00"), b"PK\x03\x04", 6, b"\x01\x00"),
    "wrong check sums": lambda: patched(patched(book(), b"PK\x01\x02", 16, b"\x00\x00\x00\x00"), b"PK\x03\x04", 14, b"\x00\x00\x00\x00"),
    "a list at a wrong place": lambda: patched(book(), b"PK\x05\x06", 16, b"\xff\xff\xff\x7f"),
    "a list that says it is long": lambda: patched(book(), b"PK\x05\x06", 8, b"\xff\xff\xff\xff"),
    "members at wrong places": lambda: patched(book(), b"PK\x01\x02", 42, b"\xff\xff\xff\x7f"),
    "names that are no text": lambda: patched(book(), b"PK\x01\x02", 46, b"\xff\xfe\x00"),
    "text before it": lambda: b"PK\x03\x04" + bytes(1000) + book(),
    "text in a workbook's name": lambda: SOUND,
    "the first bytes alone": lambda: b"PK\x03\x04",
    "the last bytes alone": lambda: b"PK\x05\x06" + bytes(18),
    "a comment of 64 KB": lambda: book()[:-2] + struct.pack("<H", 65535) + b"PK\x05\x06" * 16383,
    "a document": lambda: zipped({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<Types/>"}),
    "a binary workbook": lambda: zipped({"xl/workbook.bin": bytes(1000), "[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.bin": bytes(MB)}),
    "links without end": lambda: with_part("xl/_rels/workbook.xml.rels", b'<Relationships xmlns="%s">' % PACKAGE + b'<Relationship Id="rId1" Type="x" Target="x"/>' * 1_000_000 + b"</Relationships>"),
    "our own sheet, changed": lambda: book(sheets=b'<sheet name="trust-benchmarks-manifest" sheetId="1" r:id="rId1"/>'),
    "our own sheet, without end": lambda: zipped(
        parts(b"".join(text_row(n, [b"{" * 30_000]) for n in range(1, 2000)), sheets=b'<sheet name="trust-benchmarks-manifest" sheetId="1" r:id="rId1"/>')
    ),
}  # fmt: skip
for words, make_book in BOOKS.items():
    add(f"{words}.xlsx", make_book)
for share in (5, 30, 60, 90, 99):
    add(f"cut off at {share} percent.xlsx", lambda share=share: (lambda c: c[: len(c) * share // 100])(book()))


# Old workbooks, and what is no table at all ---------------------------------------------------------------------------

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def compound(stream: bytes, table: Callable[[int], int] | None = None, size: int | None = None) -> bytes:
    """A compound file with one stream 'Workbook'; `table` says which sector follows which."""
    sectors = -(-len(stream) // 512) or 1
    tables = -(-(sectors + 2) * 4 // 512)
    first = tables + 1
    following = table or (lambda n: n + 1 if n < first + sectors - 1 else 0xFFFFFFFE)
    numbers = [0xFFFFFFFD] * tables + [0xFFFFFFFE] + [following(n) for n in range(first, first + sectors)]
    fat = b"".join(struct.pack("<I", n & 0xFFFFFFFF) for n in numbers).ljust(tables * 512, b"\xff")

    def entry(name: str, kind: int, child: int, start: int, length: int) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        return text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child) + bytes(36) + struct.pack("<IQ", start, length)  # fmt: skip

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(
        "Workbook", 2, 0xFFFFFFFF, first, len(stream) if size is None else size
    )
    head = MAGIC + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, tables, tables, 0, 0, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)[: 76 - len(head)]
    head = head.ljust(76, b"\0") + b"".join(struct.pack("<I", n) for n in range(min(tables, 109)))
    return head.ljust(512, b"\xff") + fat + folder.ljust(512, b"\0") + stream.ljust(sectors * 512, b"\0")


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


BEGIN = record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0))
OLD_SHEET = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0, 0, 0, 0))


def old(cells: bytes) -> bytes:
    listed = record(0x0085, struct.pack("<IHBB", 0, 0, 1, 0) + b"A")
    start = len(BEGIN) + len(listed) + 4
    listed = record(0x0085, struct.pack("<IHBB", start, 0, 1, 0) + b"A")
    return compound((BEGIN + listed + record(0x000A, b"") + OLD_SHEET + cells + record(0x000A, b"")).ljust(8192, b"\0"))


OLD = {
    "its first bytes alone": lambda: MAGIC,
    "its first bytes and zeros": lambda: MAGIC + bytes(MB),
    "its first bytes and all ones": lambda: MAGIC + b"\xff" * MB,
    "sectors of no size": lambda: MAGIC + bytes(22) + b"\xff\xff" + bytes(1000),
    "sectors in a ring": lambda: compound(BEGIN * 1000, table=lambda n: n),
    "sectors that are not there": lambda: compound(BEGIN * 1000, table=lambda n: n + 100_000),
    "a stream that says 4 GB": lambda: compound(BEGIN * 10, size=0xFFFFFFF0),
    "a stream that says 16 EB": lambda: compound(BEGIN * 10, size=(1 << 64) - 1),
    "a cell far out": lambda: old(record(0x0203, struct.pack("<HHHd", 65535, 255, 0, 1.0)) + record(0x0203, struct.pack("<HHHd", 0, 0, 0, 1.0))),
    "a cell beyond all columns": lambda: old(record(0x0203, struct.pack("<HHHd", 65535, 65535, 0, 1.0)) + record(0x0203, struct.pack("<HHHd", 0, 0, 0, 1.0))),
    "an extent that lies": lambda: old(record(0x0200, struct.pack("<IIHHH", 0, 0xFFFFFFFF, 0, 0xFFFF, 0))),
    "records that lie": lambda: old(struct.pack("<HH", 0x0203, 65535) + bytes(100)),
    "shared strings that say four billion": lambda: old(record(0x00FC, struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF))),
    "a million records": lambda: compound(BEGIN + record(0x00FD, bytes(2)) * 1_000_000),
    "a password": lambda: compound(BEGIN + record(0x002F, bytes(54)) + record(0x000A, b"")),
    "a package with a password": lambda: MAGIC + bytes(1000) + "EncryptedPackage".encode("utf-16-le"),
    "strings that say they are long": lambda: old(record(0x0204, struct.pack("<HHHH", 0, 0, 0, 0xFFFF) + b"\x01a")),
    "formulas that lie": lambda: old(record(0x0006, struct.pack("<HHH8sHIH", 0, 0, 0, b"\x02\0\xff\0\0\0\xff\xff", 0xFFFF, 0, 0xFFFF))),
    "zeros after the stream": lambda: old(b"") + bytes(30 * MB),
    "noise": lambda: MAGIC + random.Random(1).randbytes(MB),
}  # fmt: skip
for words, make_old in OLD.items():
    add(f"{words}.xls", make_old)

NO_TABLE = {
    "a document.pdf": lambda: b"%PDF-1.7\n" + b"0 0 obj\n" * MB,
    "a picture.png": lambda: b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(MB),
    "a program.exe": lambda: b"MZ" + random.Random(3).randbytes(MB),
    "noise.csv": lambda: random.Random(4).randbytes(5 * MB),
    "noise of letters.csv": lambda: bytes(random.Random(5).choices(b'a,"\n;\t1 ', k=2 * MB)),
    "an archive.tar": lambda: b"return.csv".ljust(257, b"\0") + b"ustar" + bytes(MB),
    "an archive.7z": lambda: b"7z\xbc\xaf\x27\x1c" + random.Random(6).randbytes(MB),
    "a table.parquet": lambda: b"PAR1" + random.Random(7).randbytes(MB) + b"PAR1",
    "a script.csv": lambda: b"#!/bin/sh\nrm -rf /\n" * 1000,
    "without an ending": lambda: random.Random(8).randbytes(MB),
}
for whole_name, make_other in NO_TABLE.items():
    add(whole_name, make_other)

assert len(FILES) >= 150, len(FILES)


def main() -> None:
    """Writes every file to the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, make) in enumerate(FILES.items(), 1):
        (folder / f"{number:03} {name}").write_bytes(make())
    print(f"{len(FILES)} files in {folder}")


if __name__ == "__main__":
    main()
