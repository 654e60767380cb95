"""Neighbours of a rehearsal: real programs where installed, embedded ones where not."""
