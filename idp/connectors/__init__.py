"""Sign-in by the word of another identity provider: one small connector per kind of upstream, everything particular in settings."""
