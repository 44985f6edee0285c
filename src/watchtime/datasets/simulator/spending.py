"""The law of one customer value: nothing, or one of five clusters of amounts, in cents.

The scale is the price p of what is bought, in cents. The clusters lie side by side on the axis of amounts:

    small   0 … min(4, p/2)     fixed amounts such as a fee, most often 3 euro whatever the price
    one     0.5 p … 1.5 p       one unit, a little below or above its price
    two     1.5 p … 2.5 p       two units
    basket  2.5 p … 7.5 p       most often three or four units
    large   7.5 p … 107.5 p     most often ten units, with a long tail

The tables are round numbers of our own. Their shape follows the amount relative to the price over the 998 sales of
one seller in the Criteo Sponsored Search Conversion Log, which has peaks at one, two and three units, few amounts of
exactly one price, more units of cheap products than of dear ones, and a tail to a hundred units. (There one unit
is about 0.266 of the printed price, because that seller's prices are in another currency; here it is the price.)
"""

from __future__ import annotations

import numpy as np

from watchtime.datasets.simulator.arithmetic import Floats
from watchtime.datasets.simulator.piecewise import Law

KINDS = ("none", "small", "one", "two", "basket", "large")
CENTS = 100.0
LARGEST_FIXED = 400.0  # cents

# fmt: off
LEVELS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
PRICE_NODES = (500.0, 10_000.0)  # a cheap and a dear product, in cents
SHAPES = {  # of the cheap and of the dear product at LEVELS
    "small": ((0.0, 0.1, 0.2, 0.45, 0.6, 0.7, 0.74, 0.75, 0.76, 0.78, 0.85, 0.92, 0.98, 1.0),
              (0.0, 0.15, 0.3, 0.5, 0.65, 0.72, 0.74, 0.75, 0.76, 0.77, 0.82, 0.9, 0.97, 1.0)),
    "one": ((0.0, 0.15, 0.3, 0.44, 0.485, 0.495, 0.5, 0.51, 0.53, 0.58, 0.7, 0.82, 0.97, 1.0),
            (0.0, 0.2, 0.35, 0.46, 0.49, 0.495, 0.5, 0.505, 0.515, 0.54, 0.65, 0.75, 0.95, 1.0)),
    "two": ((0.0, 0.1, 0.22, 0.4, 0.47, 0.49, 0.5, 0.51, 0.54, 0.62, 0.78, 0.88, 0.97, 1.0),
            (0.0, 0.15, 0.3, 0.44, 0.48, 0.495, 0.5, 0.505, 0.52, 0.57, 0.7, 0.82, 0.96, 1.0)),
    "basket": ((0.0, 0.03, 0.06, 0.09, 0.1, 0.11, 0.15, 0.28, 0.3, 0.32, 0.5, 0.7, 0.93, 1.0),
               (0.0, 0.04, 0.07, 0.095, 0.1, 0.105, 0.13, 0.25, 0.295, 0.31, 0.42, 0.6, 0.9, 1.0)),
    "large": ((0.0, 0.005, 0.015, 0.023, 0.025, 0.027, 0.045, 0.075, 0.12, 0.127, 0.26, 0.4, 0.75, 1.0),
              (0.0, 0.004, 0.012, 0.022, 0.024, 0.026, 0.03, 0.045, 0.07, 0.11, 0.125, 0.2, 0.5, 1.0)),
}
# fmt: on


def amount_limits(price_cents: Floats) -> tuple[Floats, Floats]:
    """Return the (5, n) least and greatest amounts in cents of small, one, two, basket and large."""
    low = [0.0, 0.5, 1.5, 2.5, 7.5]
    high = [1.5, 2.5, 7.5, 107.5]
    fixed = np.minimum(LARGEST_FIXED, 0.5 * price_cents)
    return np.stack([k * price_cents for k in low]), np.stack([fixed, *(k * price_cents for k in high)])


SPENDING = Law(
    target="customer value",
    scale="price_cents",
    kinds=KINDS,
    levels=np.asarray(LEVELS),
    nodes=np.asarray(PRICE_NODES),
    shapes=np.asarray([SHAPES[kind] for kind in KINDS[1:]]),
    limits=amount_limits,
    units={"ltv": CENTS},
)
