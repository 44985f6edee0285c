"""Pages of findings: what one change does, in numbers, figures and words."""
