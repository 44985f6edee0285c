"""Pages of what trained jobs show beside their scores: one module per analysis."""
