"""The HTTP operations of the identity provider.

| Path | Who | What |
|---|---|---|
| POST /oauth2/token | a client with its secret | an access token (RFC 6749 4.4) |
| GET /oauth2/jwks | anyone | the keys that verify access tokens (RFC 7517) |
| GET /oauth2/gm-jwks | anyone | the SM2 keys that verify tokens of clients that asked for SM2 (GM/T 0125.4) |
| GET /.well-known/openid-configuration, /.well-known/oauth-authorization-server | anyone | what this provider can do (RFC 8414) |
| /v1/clients... | scope client.manage | registration of clients |

The token endpoint is plain ASGI, written for speed; the others are for people and start-up, and use the framework.
"""
