-- Whether any published data is sample data.
SELECT coalesce(bool_or(is_sample), false) FROM published.data_status
