"""Composition: settings, application, command line, demonstration."""
