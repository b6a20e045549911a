"""Stand-ins for systems of others, on loopback, with the misbehaviour that tests ask for."""
