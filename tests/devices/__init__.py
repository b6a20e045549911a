"""Software devices of the tests' own, one per interface, compiled when they are needed. No key in them is a secret."""
