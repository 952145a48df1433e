"""What stewards do about findings: decisions, their preview, the answer to the trust, and the daily digest."""
