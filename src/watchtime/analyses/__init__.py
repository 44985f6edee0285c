"""What figures show of trained models, as data files: one module per analysis."""
