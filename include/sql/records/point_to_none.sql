DELETE FROM core.counting
WHERE (collection, period, sender, part) = (%(collection)s, %(period)s, %(sender)s, %(part)s)
