"""What a delivery and a cut are: names, stamps, archives, results, checks, differences.

Knows no other room. Nothing here writes: reading a delivery changes nothing.
"""
