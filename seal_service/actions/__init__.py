"""The jobs of the seal service: one file each, read from top to bottom."""
