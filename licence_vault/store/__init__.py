"""Rows of the licence vault: read and written inside the caller's transaction. Nothing here commits, nothing here decides."""
