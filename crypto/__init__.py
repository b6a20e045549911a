"""Algorithms, keys, certificates, CMS, time-stamps, trees, trust lists and reports. No HTTP, no database: transports are passed in."""
