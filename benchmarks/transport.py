"""Milliseconds, duality gap and peak memory of semi-relaxed transport, beside POT's solvers and projected gradients.

    python benchmarks/transport.py [--batches 100] [--rows 512] [--columns 80] [--penalties 0.1 1 10 100]

One thread. Costs are one minus the cosines of clustered representations of width 64 and of prototypes; marginals are
uniform. "warm" starts from the potentials of the batch before, which is another one drawn at random. The others solve
fewer batches, since they take seconds: POT's L-BFGS-B, whose row sums are held by a penalty of 1000 and then scaled;
accelerated projected gradients, stopped after 2,000 steps; POT's exact regularisation path, whose matrices are (nm)²,
on a small problem, where ours stands beside it. The gap of every plan is computed here, not taken from its solver.
Each solver runs in a process of its own, so that its peak memory, above that of the process before, is its own.
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
SLOW_BATCHES, PATH_SIZE = 3, (50, 10)
HEADS = ("penalty", "median ms", "worst ms", "worst gap", "MiB")


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


def cold_loose(problem: Problem) -> Tensor:
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
        gradient = problem.cost + problem.potentials(ahead)
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


SOLVERS: dict[str, tuple[Callable[[], Callable[[Problem], Tensor]], bool, bool]] = {
    # name: how it is made, whether it is slow, whether it solves the small problem
    "ours, gap 1e-6, cold": (lambda: cold, False, False),
    "ours, gap 1e-6, warm": (Warm, False, False),
    "ours, gap 1e-4, cold": (lambda: cold_loose, False, False),
    "POT L-BFGS-B": (lambda: bounded_quasi_newton, True, False),
    "projected gradients": (lambda: projected_gradients, True, False),
    "POT path, 50 x 10": (lambda: exact_path, True, True),
    "ours, cold, 50 x 10": (lambda: cold, False, True),
}


def measured(pipe: Any, name: str, batches: int, rows: int, columns: int, penalty: float) -> None:
    torch.set_num_threads(1)
    made, slow, small = SOLVERS[name]
    solve = made()
    size = PATH_SIZE if small else (rows, columns)
    given = problems(min(batches, SLOW_BATCHES) if slow else batches, *size, penalty)
    before, seconds, gaps = _peak(), [], []
    for problem in given:
        started = time.perf_counter()
        plan = solve(problem)
        seconds.append(time.perf_counter() - started)
        gaps.append(float(problem.judged(plan).gap))
    pipe.send((1e3 * float(np.median(seconds)), 1e3 * max(seconds), max(gaps), _peak() - before))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--columns", type=int, default=80)
    parser.add_argument("--penalties", type=float, nargs="*", default=[0.1, 1.0, 10.0, 100.0])
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    print(f"{arguments.batches} batches of {arguments.rows} x {arguments.columns}, one thread")
    print(f"{'solver':24}", *(f"{head:>10}" for head in HEADS))
    for penalty in arguments.penalties:
        for name in SOLVERS:
            receiver, sender = spawn.Pipe(duplex=False)
            given = (sender, name, arguments.batches, arguments.rows, arguments.columns, penalty)
            process = spawn.Process(target=measured, args=given)
            process.start()
            median, worst, gap, memory = receiver.recv()
            process.join()
            print(f"{name:24} {penalty:10g} {median:10.1f} {worst:10.1f} {gap:10.1e} {memory:10.0f}", flush=True)


if __name__ == "__main__":
    main()
