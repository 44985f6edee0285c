"""Decoders that generate sequences of tokens, step by step."""
