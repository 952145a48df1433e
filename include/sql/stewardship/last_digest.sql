-- The last digest of a person.
SELECT day, items FROM core.digest_sent WHERE person = %(person)s ORDER BY day DESC LIMIT 1
