"""Board reports: what a trust's board is told of half a year, as HTML, PDF and a table of exact figures.

board.py      puts a report together from rows of the warehouse
documents.py  writes it as HTML, PDF and CSV
"""
