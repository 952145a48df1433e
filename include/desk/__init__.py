"""The steward desk: pages on which stewards see what waits, decide with a trace, and answer the trust. Served inside Airflow."""
