"""Optimisers of what is learned by gradients."""
