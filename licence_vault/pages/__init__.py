"""Pages of the licence vault for everyone."""
