"""Sickness absence: random returns, and their figures a second time, written from the methods in words and not from the SQL."""

from second_calculation import ratio


def metrics(now, year, period, others):
    """WF04 of one trust in the national file."""
    return {"WF04": ratio(now, now.fte_days_lost, now.fte_days_available)}
