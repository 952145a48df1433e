"""What is published, over HTTP: every view of schema published as a table of /api/v1, made from the database's own description of it."""
