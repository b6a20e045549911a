"""What the authority does, one verb_noun file each. Only here transactions are opened."""
