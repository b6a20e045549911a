"""Status lists: places in them, values, editions, and what a verifier makes of one."""
