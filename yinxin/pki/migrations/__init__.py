"""The history of the register's tables, run by ``service_kit.migrations.migrate``."""
