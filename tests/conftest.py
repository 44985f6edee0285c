"""What holds for every test: examples that Hypothesis draws are the same in each run, however slow it is."""

from hypothesis import settings

settings.register_profile("watchtime", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("watchtime")
