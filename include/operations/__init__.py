"""What an operator does: back up and restore, and check an installation."""
