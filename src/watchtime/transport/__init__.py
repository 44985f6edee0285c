"""Transport between the rows of a batch and prototypes: plans, how good they are, and their gradients."""
