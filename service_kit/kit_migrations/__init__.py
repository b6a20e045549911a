"""The history of the kit's own tables, run by ``service_kit.migrations.migrate_kit``."""
