"""Made-up files of the shapes that publishers give them."""

import io
import random


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
