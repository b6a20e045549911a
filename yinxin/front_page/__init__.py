"""Where people begin: the doors of this deployment, for a stranger with a file, for a citizen, and for those who work here."""
