"""How often the token endpoint may be tried, and what happens then.

A wrong secret costs an audit row; a right one is recognised before any of these limits is asked. So nobody can lock a client out by
sending wrong secrets in its name, and who sends them gets 429 after a few. Whoever then shows that he is the client begins anew, at his
address; what comes from there in all is counted on, and it alone bounds the trail. Guessing 256 random bits is hopeless at any rate: the
limits protect the audit trail, not the secret.
"""

from __future__ import annotations

from typing import Final

WRONG_PER_CLIENT_AND_PEER: Final = 10.0  # wrong secrets for one client from one address at once, since the last right one
WRONG_PER_CLIENT_AND_PEER_PER_SECOND: Final = 1 / 30
WRONG_PER_PEER: Final = 40.0  # wrong secrets from one address at once, whatever the clients
WRONG_PER_PEER_PER_SECOND: Final = 0.5
CLIENT_BURST_SECONDS: Final = 10.0  # a client may take the tokens of this many seconds at once
KEY_RING_MAX_AGE_SECONDS: Final = 5.0  # how long a process may answer with a key set that it has read before
GRANTS_REMEMBERED_MAX: Final = 100_000  # about 15 MB: whose they are
CLIENTS_REMEMBERED_MAX: Final = 10_000
FAILURES_PER_NAME: Final = 5  # failed sign-ins under one name, known or not, before it is locked (GB/T 22239 8.1.4.1)
FAILURES_PER_PEER: Final = 50  # from one address: a hall with one address has many people
FAILURE_WINDOW_SECONDS: Final = 900  # failures further back count no more
LOCK_SECONDS: Final = 900
SIGN_IN_KEEP_SECONDS: Final = 3600  # how long a finished or expired sign-in is kept
SESSION_KEEP_SECONDS: Final = 7 * 86_400
SIGN_INS_PER_PEER: Final = 20_000.0  # sign-ins that one address may begin at once: a proxy in front of a whole city is one address
SIGN_INS_PER_PEER_PER_SECOND: Final = 20.0  # of each process; from one address three of them stay below the limit on all
SIGN_INS_KEPT_MAX: Final = 500_000  # rows of sign-ins in the database, from their beginning until they are swept: about 1 GB
SIGN_INS_COUNTED_SECONDS: Final = 5.0  # how old a process's count of them may be
SIGN_INS_RETRY_SECONDS: Final = 30
