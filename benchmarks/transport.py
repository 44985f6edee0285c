"""CPU time, duality gap and peak memory of semi-relaxed transport, beside POT's solvers and projected gradients.

    python benchmarks/transport.py [--batches 100] [--sizes 512x80 50x10 100x20 150x30] [--penalties 0.1 1 10 100]
        [--solvers cold warm coarse quasi-newton projected path]

One thread; milliseconds of CPU time, which on an idle core are those of the clock. Costs are one minus the cosines of
clustered representations of width 64 and of prototypes; marginals are uniform. "cold" and "warm" end at a gap of 1e-6,
"coarse" at 1e-4; "warm" starts from the potentials of the batch before, which is another one drawn at random. The
others solve fewer batches, since they take seconds: "quasi-newton" is POT's L-BFGS-B, whose row sums are held by a
penalty of 1000 and then scaled; "projected" is accelerated projected gradients, stopped after 2,000 steps; "path" is
POT's exact regularisation path, which solves small problems alone, as it makes matrices of (nm)². The gap of every plan
is computed here, not taken from its solver. Each solver runs in a process of its own, so that its peak memory, above
that of the process before, is its own. "times" is the median over that of "cold".
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import ot
import torch
from torch import Tensor

from watchtime.transport.problem import Problem
from watchtime.transport.semi_relaxed import semi_relaxed

Floats = npt.NDArray[np.float64]
WIDTH, CLUSTERS, NOISE = 64, 8, 0.7
# The path solver makes some ten matrices of (nm)².
PATH_ENTRIES = 5_000
HEADS = ("size", "penalty", "median ms", "worst ms", "worst gap", "MiB", "times")


def problems(batches: int, rows: int, columns: int, penalty: float) -> list[Problem]:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    prototypes, centres = torch.nn.functional.normalize(normal(columns, WIDTH), dim=-1), normal(CLUSTERS, WIDTH)
    alpha, beta = (torch.full((count,), 1 / count, dtype=torch.float64) for count in (rows, columns))
    found = []
    for _ in range(batches):
        hidden = centres[torch.randint(0, CLUSTERS, (rows,), generator=generator)] + NOISE * normal(rows, WIDTH)
        cost = 1 - torch.nn.functional.normalize(hidden, dim=-1) @ prototypes.T
        found.append(Problem(cost, alpha, beta, penalty))
    return found


def cold(problem: Problem) -> Tensor:
    return semi_relaxed(problem.cost, problem.rows, problem.columns, problem.penalty).plan


def coarse(problem: Problem) -> Tensor:
    return semi_relaxed(problem.cost, problem.rows, problem.columns, problem.penalty, tolerance=1e-4).plan


class Warm:
    """Keeps the potentials of the batch before."""

    def __init__(self) -> None:
        self.potentials: Tensor | None = None

    def __call__(self, problem: Problem) -> Tensor:
        start = self.potentials
        found = semi_relaxed(problem.cost, problem.rows, problem.columns, problem.penalty, start=start)
        self.potentials = found.potentials
        return found.plan


def bounded_quasi_newton(problem: Problem) -> Tensor:
    a, b, cost = (one.numpy() for one in (problem.rows, problem.columns, problem.cost))
    plan = ot.unbalanced.lbfgsb_unbalanced(
        a, b, cost, reg=0, reg_m=(1e3, 2 * problem.penalty), regm_div="l2", numItermax=5000, stopThr=1e-12
    )
    return torch.from_numpy(plan)


def projected_gradients(problem: Problem, steps: int = 2000) -> Tensor:
    """Nesterov's method; rows are projected onto their simplex. The gradient's Lipschitz constant is 2λn."""
    plan = torch.outer(problem.rows, problem.columns)
    ahead, momentum, length = plan, 1.0, 1 / (2 * problem.penalty * len(problem.rows))
    for _ in range(steps):
        gradient = problem.cost + 2 * problem.penalty * (ahead.sum(-2) - problem.columns)
        following = _on_simplices(ahead - length * gradient, problem.rows)
        grown = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = following + (momentum - 1) / grown * (following - plan)
        plan, momentum = following, grown
    return plan


def _on_simplices(values: Tensor, sums: Tensor) -> Tensor:
    """Return the nearest points with entries of at least 0 and rows that sum to ``sums``."""
    ordered = values.sort(-1, descending=True).values
    places = torch.arange(1, values.shape[-1] + 1)
    shifts = (ordered.cumsum(-1) - sums.unsqueeze(-1)) / places
    last = (ordered > shifts).sum(-1, keepdim=True) - 1
    return (values - shifts.gather(-1, last)).clamp(min=0)


def exact_path(problem: Problem) -> Tensor:
    """POT's path has hard columns and half of the square: the cost transposed and γ = 1 / 2λ."""
    a, b, cost = (one.numpy() for one in (problem.rows, problem.columns, problem.cost))
    plan, _, _ = ot.regpath.semi_relaxed_path(b, a, cost.T, reg=1 / (2 * problem.penalty))
    return torch.from_numpy(plan.reshape(len(b), len(a)).T)


SOLVERS: dict[str, tuple[Callable[[], Callable[[Problem], Tensor]], int]] = {
    # name: how it is made, and how many batches it solves at most
    "cold": (lambda: cold, 10**9),
    "warm": (Warm, 10**9),
    "coarse": (lambda: coarse, 10**9),
    "quasi-newton": (lambda: bounded_quasi_newton, 3),
    "projected": (lambda: projected_gradients, 3),
    "path": (lambda: exact_path, 1),
}


def measured(pipe: Any, name: str, batches: int, size: tuple[int, int], penalty: float) -> None:
    torch.set_num_threads(1)
    made, most = SOLVERS[name]
    solve = made()
    given = problems(min(batches, most), *size, penalty)
    cold(problems(1, 8, 4, penalty)[0])  # so that no solver pays for what the first call of a process loads
    before, seconds, gaps = _peak(), [], []
    for problem in given:
        started = time.process_time()
        plan = solve(problem)
        seconds.append(time.process_time() - started)
        gaps.append(float(problem.judged(plan).gap))
    pipe.send((1e3 * float(np.median(seconds)), 1e3 * max(seconds), max(gaps), _peak() - before))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def alone(name: str, batches: int, size: tuple[int, int], penalty: float) -> tuple[float, float, float, float]:
    """Return median and worst milliseconds, the worst gap and MiB, as measured in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=measured, args=(sender, name, batches, size, penalty))
    process.start()
    sender.close()
    found: tuple[float, float, float, float] = receiver.recv()
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--sizes", nargs="*", default=["512x80", "50x10", "100x20", "150x30"], help="rows x columns")
    parser.add_argument("--penalties", type=float, nargs="*", default=[0.1, 1.0, 10.0, 100.0])
    parser.add_argument("--solvers", nargs="*", choices=list(SOLVERS), default=list(SOLVERS))
    arguments = parser.parse_args()
    print(f"up to {arguments.batches} batches, one thread")
    print(f"{'solver':12}", *(f"{head:>10}" for head in HEADS))
    for written in arguments.sizes:
        rows, columns = map(int, written.split("x"))
        for penalty in arguments.penalties:
            reference = float("nan")
            for name in arguments.solvers:
                if name == "path" and rows * columns > PATH_ENTRIES:
                    continue
                median, worst, gap, memory = alone(name, arguments.batches, (rows, columns), penalty)
                reference = median if name == "cold" else reference
                print(
                    f"{name:12} {written:>10} {penalty:10g} {median:10.1f} {worst:10.1f} {gap:10.1e} {memory:10.0f} "
                    f"{median / reference:10.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
