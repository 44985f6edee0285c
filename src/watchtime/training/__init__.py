"""The engine: resident data, seeds side by side, checkpoints, jobs."""
