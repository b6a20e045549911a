"""What is written by the machine: each generator gives the text of one file, and CI compares it with what is committed."""
