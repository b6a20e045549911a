"""Pages for people: rendered here, without scripts, in Chinese and English. Every form carries a token of its browser; every POST answers 303."""
