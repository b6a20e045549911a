"""The HTTP interface of the licence vault."""
