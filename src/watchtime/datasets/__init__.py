"""Data sets: raw files in official layout, simulated logs, interactions, protocols and encoded columns."""
