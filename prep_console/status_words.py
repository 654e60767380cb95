"""What instruments say of themselves, in words: flags of a UPS, states of a generator, sources."""
