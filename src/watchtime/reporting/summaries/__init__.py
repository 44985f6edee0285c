"""Pages of a whole run or paper."""
