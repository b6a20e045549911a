"""Drawing seals: one outline model, several outputs."""
