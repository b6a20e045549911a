"""GB/T 33190-2016: OFD documents - the ZIP container, its XML parts, the graph from ``OFD.xml``, and signatures (clause 18)."""
