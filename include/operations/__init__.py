"""What an operator does: back up and restore, and see whether all is well."""
