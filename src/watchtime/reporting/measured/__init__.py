"""What a run measured, as pages show it: gathered, with intervals and paired comparisons."""
