"""Measured figures: ratios in one run where something is compared, server CPU time per request over HTTP. See ``docs/reference/benchmarks.md``."""
