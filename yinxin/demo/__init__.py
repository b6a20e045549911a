"""The demonstration: a deployment with synthetic content, a sealed document and a forged copy. Nothing in it has legal effect."""
