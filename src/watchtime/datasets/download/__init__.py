"""Downloads of the public data sets: fetched, verified, unpacked and put in place."""
