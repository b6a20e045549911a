"""The electronic seal service."""
