"""The identity provider: one sign-in for portal and department systems."""
