"""Readings of the host and of what a visitor of the site gets."""
