"""Coverage-guided fuzzing of everything that reads an institute's bytes: ``make fuzz``."""
