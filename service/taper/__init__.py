"""Tapers: plans that are in force, and what the doses say (rules.md, Taper)."""
