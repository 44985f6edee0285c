"""Write the marginals of a real KuaiRand-Pure log that the simulator's page shows. Run by hand.

    python benchmarks/fit_real_marginals.py FOLDER > src/watchtime/reporting/real_marginals.py

FOLDER holds ``data/log_standard_4_22_to_5_08_pure.csv`` in the official layout. Only aggregates are printed: shares of
rows, and quantiles of the watch ratio.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from fit_simulator_tables import TAIL_LEVELS, literal, read_log

from watchtime.reporting.data.marginals import DURATION_EDGES, in_buckets

HEAD = '''"""Marginals of KuaiRand-Pure's watch ratio by the duration of the video.

Fitted by ``benchmarks/fit_real_marginals.py`` to the standard-policy log of 2022-04-25 to 2022-05-04
(CC BY-SA 4.0, https://kuairand.com), without repeated rows, durations of 0 and ratios of 10 or more: shares and
quantiles, rounded; no row of it is kept here. The buckets are those of ``marginals.DURATION_EDGES``.
"""

from __future__ import annotations

# fmt: off'''


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"{__doc__}")
    log = read_log(Path(sys.argv[1]))
    ratio = log["play_time_ms"].to_numpy() / log["duration_ms"].to_numpy()
    buckets = in_buckets(log["duration_ms"].to_numpy() / 1000, ratio)
    assert len(buckets) == len(DURATION_EDGES) - 1
    tables = {
        "rows in each bucket": ("ROWS", [len(one) for one in buckets]),
        "share of rows that were not watched at all": ("ZERO_SHARES", [round(np.mean(one == 0), 5) for one in buckets]),
        "watch ratio at tables.TAIL_LEVELS, of the rows that were watched": (
            "RATIOS",
            [list(np.quantile(one[one > 0], TAIL_LEVELS).round(5)) for one in buckets],
        ),
    }
    print(HEAD)
    print("\n\n".join(f"# {words}\n{name} = {literal(values)}" for words, (name, values) in tables.items()))
    print("# fmt: on")


if __name__ == "__main__":
    main()
