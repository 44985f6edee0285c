"""CPU time of SOFT top-k, forward and backward, beside log-domain Sinkhorn: `python benchmarks/soft_topk.py`.

    [--users 500] [--items 100] [--k 10] [--sinkhorn 0]

One thread; milliseconds of CPU time for all users together, which on an idle core are those of the clock. Scores are
logistic, as a recommender's. "steps" is the number of Newton steps that the slowest user takes, "worst" the largest
share of an item that a column misses. With ``--sinkhorn 1000`` as many of Sinkhorn's iterations run on the same users,
whatever they reach.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor

from watchtime.transport.soft_topk import soft_topk

EPSILONS = (1e-1, 1e-2, 1e-3, 1e-4)
REPEATS = 5


def worst(plan: Tensor) -> float:
    """Return by how much a column of A [users, n, k] misses its sum of 1."""
    return float((plan.sum(-2) - 1).abs().max())


def newton_steps(scores: Tensor, k: int, epsilon: float) -> int:
    """Return how many steps are allowed when the first solution is found."""
    for steps in range(100):
        try:
            soft_topk(scores, k, epsilon, iterations=steps)
        except ArithmeticError:
            continue
        return steps
    return 100


def sinkhorn(scores: Tensor, k: int, epsilon: float, iterations: int) -> Tensor:
    """Return A after so many iterations in the log domain; its rows are exact."""
    places = torch.arange(k, -1, -1, dtype=torch.float64)
    cost = (scores.double().unsqueeze(-1) - places) ** 2
    logits = -cost / (epsilon * cost.amax((-2, -1), keepdim=True))
    wanted = torch.tensor([1.0] * k + [scores.shape[-1] - k], dtype=torch.float64).log()
    columns = torch.zeros_like(logits[..., :1, :])
    for _ in range(iterations):
        rows = -(logits + columns).logsumexp(-1, keepdim=True)
        columns = wanted - (logits + rows).logsumexp(-2, keepdim=True)
    rows = -(logits + columns).logsumexp(-1, keepdim=True)
    return (logits + rows + columns).exp()[..., :-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--sinkhorn", type=int, default=0, help="iterations")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    scores = torch.sigmoid(torch.randn(arguments.users, arguments.items, generator=generator)).requires_grad_()
    gain = torch.rand(arguments.users, arguments.items, generator=generator)
    print(f"{arguments.users} users x {arguments.items} items, k = {arguments.k}, one thread")
    print(f"{'epsilon':>8} {'forward ms':>11} {'backward ms':>12} {'steps':>6} {'worst':>8}")
    for epsilon in EPSILONS:
        forward, backward = [], []
        for _ in range(REPEATS):
            started = time.process_time()
            plan = soft_topk(scores, arguments.k, epsilon)
            solved = time.process_time()
            torch.autograd.grad((gain * plan.sum(-1)).sum(), scores)
            forward.append(1e3 * (solved - started))
            backward.append(1e3 * (time.process_time() - solved))
        exact = soft_topk(scores.detach().double(), arguments.k, epsilon)
        steps = newton_steps(scores.detach(), arguments.k, epsilon)
        print(f"{epsilon:8g} {min(forward):11.1f} {min(backward):12.1f} {steps:6} {worst(exact):8.1e}", flush=True)
        if arguments.sinkhorn:
            started = time.process_time()
            plan = sinkhorn(scores.detach(), arguments.k, epsilon, arguments.sinkhorn)
            spent = 1e3 * (time.process_time() - started)
            print(f"Sinkhorn {spent:10.1f} {'':12} {arguments.sinkhorn:6} {worst(plan):8.1e}", flush=True)


if __name__ == "__main__":
    main()
