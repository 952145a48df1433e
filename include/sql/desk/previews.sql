-- Releases that trusts see before they are published: those that are not decided first, then the last of the others.
SELECT preview_id, collection, period, release_id, offered_at, ends_at, state, offered, looked, commented, asked, signed, edition_number, is_sample
FROM intake.previews ORDER BY state IN ('open', 'held', 'ended') DESC, preview_id DESC LIMIT 100
