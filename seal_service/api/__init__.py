"""The HTTP operations of the seal service.

| Path | Who | What |
|---|---|---|
| POST /v1/seals | scope seal.manage | make a seal |
| GET /v1/seals, /v1/seals/{id}, /v1/seals/{id}/picture.svg | scope seal.read | the seals one manages or may use |
| POST /v1/seals/{id}/freeze, unfreeze, revoke | scope seal.manage | one step of a seal's life (``model.SEAL_LIFE``) |
| PUT, DELETE /v1/seals/{id}/grants/{client} | scope seal.manage | who may use the seal |
| POST /v1/seals/{id}/signatures | scope seal.use | seal a document |
| POST /v1/seals/{id}/digest-signatures | scope seal.use | seal a digest: the document stays with its owner |
| GET /v1/seal-uses/{id}, /v1/seal-uses/{id}/result | scope seal.read, seal.use | what was done, and its result again |
| POST /v1/verifications | anyone | verify a file |

Routes parse, call one action and write its answer; none decides, none opens a transaction.
"""
