"""Rows of the identity provider: read and written inside the caller's transaction. Nothing here commits, nothing here decides."""
