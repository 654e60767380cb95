"""prep-console: the operations console of an official PREP broadcaster."""

__version__ = "0.1.0"
