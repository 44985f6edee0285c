"""Prototypes of watch-ratio distributions: vectors that stand for them, and the codebooks that are learned of those."""
