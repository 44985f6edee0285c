"""Watch-time and lifetime-value prediction, reproduced under one protocol."""
