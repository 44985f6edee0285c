"""Losses and rewards that several rows share."""
