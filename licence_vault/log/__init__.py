"""The public log of licences: leaves, the log itself, its counts."""
