"""Pages of the data sets, and of the simulator beside them."""
