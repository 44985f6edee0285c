"""The ground floor: configuration, errors, seeds, files, catalogue and plan; imports neither torch nor lightgbm."""
