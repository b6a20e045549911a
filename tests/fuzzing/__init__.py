"""Fuzzing of everything that reads what comes from outside: ``make fuzz``, or ``python -m tests.fuzzing --help``.

Guided by coverage where atheris is installed, by blind mutation of good seeds elsewhere. A target may refuse its input (TrustError) and
nothing else: another exception, more than the time or the memory of one input, or a verdict "valid" on what nobody sealed, is a finding.
"""
