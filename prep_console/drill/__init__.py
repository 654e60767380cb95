"""Sandbox stations and simulated nights: always labelled SIMULACRO."""
