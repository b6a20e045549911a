"""OFD documents: verifying what is sealed and signed in them, and sealing them."""
