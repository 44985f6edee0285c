"""From a notebook template to its PDF and its HTML page."""
