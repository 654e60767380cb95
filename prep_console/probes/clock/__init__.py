"""Whether our clock is right."""
