"""Feature encoders shared by all methods."""
