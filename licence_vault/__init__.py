"""The electronic licence vault."""
