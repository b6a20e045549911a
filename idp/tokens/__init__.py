"""The token engine: reading requests, writing and signing access tokens, the ring of signing keys."""
