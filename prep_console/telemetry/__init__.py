"""Samples of the readings over days, in SQLite; losing them loses no duty."""
