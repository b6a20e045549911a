"""Licences as credentials for wallets: SD-JWT VC written and checked, and the messages of OpenID4VCI and OpenID4VP. Pure."""
