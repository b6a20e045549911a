"""What the region is told of licences: field maps as data, the records they make, and the tree by which both sides compare them."""
