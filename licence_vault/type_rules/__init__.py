"""Licence types: the chapters of the standard of a type as data, and the checks that follow from them. No input or output here."""
