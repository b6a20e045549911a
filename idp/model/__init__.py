"""What the identity provider knows, and the rules over it. No input or output here.

``clients``: programs and signing keys. ``people``: accounts, evidence, agents, credentials. ``sign_in``: sessions and the state machine of a
sign-in. ``requests``: the values that pass between sign-in and protocol.
"""
