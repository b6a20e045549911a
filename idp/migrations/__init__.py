"""The history of the identity provider's tables, run by ``service_kit.migrations.migrate``."""
