"""The ways to sign in, each pure: what was kept and what was shown in, yes or no out. argon2 and fido2 are known here alone."""
