"""Made-up files of the shapes that publishers give them."""

import calendar
import io
import random
import zipfile
from functools import cache

import polars as pl
from trust_benchmarks.schemas.check_digits import snomed_is_valid


def scmd(period, rows=40, seed=0, dashed=True):
    """Secondary Care Medicines Data of a month, as published: their spelling of quantity, utf-8."""
    rng = random.Random(f"{period} {seed}")
    out = io.StringIO()
    out.write(
        "YEAR_MONTH,ODS_CODE,VMP_SNOMED_CODE,VMP_PRODUCT_NAME,UNIT_OF_MEASURE_IDENTIFIER,UNIT_OF_MEASURE_NAME,TOTAL_QUANITY_IN_VMP_UNIT,INDICATIVE_COST\n"
    )
    month = period if dashed else period.replace("-", "")
    for at in range(rows):
        code = ("RA9", "RHA", "RNU", "RP7", "RQY")[at % 5]
        product = ("326875008", "326874007")[at // 5] if at < 10 else str(10_000_000 + at // 5)
        out.write(
            f'{month},{code},{product},"Made up {product} tablets",428673006,tablet,{rng.randint(-5, 400)},{rng.randint(1, 9000) / 100}\n'
        )
    return out.getvalue().encode()


def month_name(period):
    return calendar.month_name[int(period[5:])]


@cache
def snomed(number):
    """A code of that number that has the right check digit."""
    found = pl.Series([f"{number}{digit}" for digit in range(10)])
    return found.filter(pl.select(snomed_is_valid(pl.lit(found))).to_series())[0]


def tariff_viii_a(period, rows=60, seed=0):
    """Part VIIIA as published: a title that names the month without its year, an empty line, the unit without a heading, cp1252."""
    lines = [
        f"Part VIIIA products prices for {month_name(period)},,,,,,",
        ",,,,,,",
        "Medicine,Pack size,,VMP Snomed Code,VMPP Snomed Code,Drug Tariff Category,Basic Price",
    ]
    for at in range(rows):
        lines.append(
            f"Made up 5µg tablets {at},28,tablet,{snomed(310000 + at)},{snomed(41000000 + at)},Part VIIIA Category {'ACMH'[at % 4]},{100 + at + seed}"
        )
    return "\r\n".join(lines).encode("cp1252")


def tariff_cat_m(period, rows=60, seed=0, price="Basic Price"):
    """Category M as published."""
    lines = [f"Category M Prices - {month_name(period)},,,,", ",,,,", f"Drug Name,Pack Size,,VMPP Snomed Code,{price}"]
    lines += [f"Made up tablets {at},28,tablet,{snomed(51000000 + at)},{200 + at + seed}" for at in range(rows)]
    return "\r\n".join(lines).encode("cp1252")


def tariff_ix(period, rows=60, seed=0):
    """Part IX as published: headings in line 1 after a byte-order mark."""
    lines = ["DT Part,Supplier Name,VMP Name,AMP Name,sz/wt,QTY,UOM QTY,Price"]
    lines += [
        f"IXA,Made Up {at % 5} Ltd,Dressing {at},Dressing {at} (Made Up),10cm x 10cm,10,dressing,{300 + at + seed}"
        for at in range(rows)
    ]
    return b"\xef\xbb\xbf" + "\r\n".join(lines).encode()


def sickness(period, rows=60, seed=0):
    year, month = int(period[:4]), int(period[5:])
    day = f"{calendar.monthrange(year, month)[1]:02d}/{month:02d}/{year}"
    lines = [
        "DATE,NHSE_REGION_CODE,NHSE_REGION_NAME,ICS_CODE,ICS_NAME,ORG_CODE,ORG_NAME,ORG_TYPE,FTE_DAYS_LOST,FTE_DAYS_AVAILABLE,SICKNESS_ABSENCE_RATE_PERCENT"
    ]
    lines += [
        f"{day},Y63,North,QWO,System,R{at // 26 % 10}{chr(65 + at % 26)},Made up {at},Acute,{50 + seed},1000,{(50 + seed) / 10:.2f}"
        for at in range(rows)
    ]
    return "\n".join(lines).encode()


def turnover(period, rows=60, seed=0):
    year, month = int(period[:4]), int(period[5:])
    before = f"{year - (month == 1)}{(month - 2) % 12 + 1:02d}"
    lines = [
        "PERIOD,TYPE,NHSE_REGION_CODE,NHSE_REGION_NAME,ICS_CODE,ICS_NAME,REPORTING_ORG_NAME,REPORTING_ORG_CODE,CLUSTER_GROUP,BENCHMARK_GROUP,STAFF_GROUP_1_NAME,HC,FTE"
    ]
    lines += [
        f"{before} to {year}{month:02d},Joiners,Y63,North,QWO,System,Made up {at},R{at:02d},Acute,Acute - Large,Midwives,{at + seed},{at + seed}"
        for at in range(rows)
    ]
    return "\n".join(lines).encode()


def zipped(members):
    """A zip of files by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def turnover_zip(period, seed=0):
    short = f"{month_name(period)[:3]}-{period[2:4]}"
    return zipped({
        f"Turnover benchmarking 1. Organisation, monthly, {short}.csv": b"other",
        f"Turnover benchmarking 2. Staff group and organisation, monthly, {short}.csv": turnover(period, seed=seed),
        f"Turnover benchmarking 3. Staff group and organisation, annual, {short}.csv": b"other",
    })  # fmt: skip


def eric(year, seed=0):
    return f'Trust Code,Site Code,Gross internal floor area (m²)\nRA9,RA901,"1,{seed:03d}"\n'.encode("cp1252")


def oaps(period, seed=0):
    return f"Question,Breakdown1,Breakdown1Code,Breakdown2,Breakdown2Code,value\nOAPs started in period,England,,,,{period}{seed}\n".encode()
