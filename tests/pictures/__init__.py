"""Pictures of the console, taken from a real terminal."""
