"""The history of the licence vault's tables (Alembic)."""
