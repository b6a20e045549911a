"""Encodings and rules of each standard: bytes and values in, values and bytes out.

Nothing here does I/O, nothing here computes cryptography. See ``standards/README.md`` for the list of standards and clauses.
"""
