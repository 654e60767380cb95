"""The hash-chained record of what happened and who decided it, and its pure fold to a state."""
