"""Simulated logs from a latent world: users, items, taste and a known distribution of watch time."""
