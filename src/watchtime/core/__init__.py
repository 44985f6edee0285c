"""The ground floor: configuration, errors, seeds, files, the catalogue and the plan. Imports neither torch nor lightgbm."""
