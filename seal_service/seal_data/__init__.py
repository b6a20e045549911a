"""Electronic seals as data (GB/T 38540, GM/T 0031): making, sealing with them, verifying, and their published status."""
