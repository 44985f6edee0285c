"""One training in several processes on this machine, started by torchrun's own agent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from watchtime.core.errors import WatchtimeError

HERE = "127.0.0.1"


def launch(arguments: Sequence[str], processes: int) -> None:
    """Run ``python -m watchtime`` with these arguments in so many processes, and wait for all of them.

    They end together: where one of them fails or is killed, the agent ends the others, and a ``WatchtimeError`` says
    which one it was. What they have to say goes to standard error.
    """
    # What the agent logs of a failure is told by the error.
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="watchtime-") as folder:
        settings = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=f"watchtime-{os.getpid()}",
            rdzv_backend="c10d",
            rdzv_endpoint=f"{HERE}:0",
            local_addr=HERE,
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(settings, sys.executable)("-m", "watchtime", *arguments)
        except ChildFailedError as error:
            rank, failure = _cause(error)
            raise WatchtimeError(f"process {rank} of {processes} {_end(failure)}, so all of them were ended.") from None
        except SignalException as error:
            # As after a signal that nobody handles; the processes are ended by now.
            sys.exit(128 + error.sigval.value)


def _cause(error: ChildFailedError) -> tuple[int, ProcessFailure]:
    """Return what failed first: who was killed, rather than who missed it or whom the agent ended."""

    def order(failed: tuple[int, ProcessFailure]) -> tuple[bool, bool, int]:
        rank, one = failed
        return one.exitcode == -signal.SIGTERM, one.exitcode > 0, rank

    return min(error.failures.items(), key=order)


def _end(failure: ProcessFailure) -> str:
    if failure.exitcode < 0:
        return f"was ended by {signal.Signals(-failure.exitcode).name}"
    return f"failed with status {failure.exitcode} and said why above"
