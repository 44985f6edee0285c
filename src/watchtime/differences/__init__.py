"""What differs between two runs, one module per subject."""
