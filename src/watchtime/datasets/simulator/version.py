"""The version of the simulator: part of what identifies simulated raw files, raised whenever their bytes change."""

VERSION = 1
