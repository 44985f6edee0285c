"""Codecs: what turns a target into labels and back, fitted on the training rows only."""
