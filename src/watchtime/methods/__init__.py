"""Methods, one file each: codec, head, loss and readouts."""
