"""Reading, sealing and verifying PDF (ISO 32000). Every byte of this floor is our own: see docs/explanation/decisions/."""
