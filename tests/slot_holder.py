"""A process that asks for GPUs of a slot list, and notes in a journal when it gets them and when it lets go.

Its arguments: the folder, the GPUs as JSON, the journal, how many GPUs, the memory of each or 0 for whole ones, for how
many seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from watchtime.training import slots


def main() -> None:
    folder, memory, journal, count, each, seconds = sys.argv[1:]
    slots.SECONDS_BETWEEN = 0.01
    handle = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(what: str, gpus: list[str]) -> None:
        os.write(
            handle, (json.dumps({"what": what, "gpus": gpus, "each": int(each), "by": os.getpid()}) + "\n").encode()
        )

    with slots.Slots(Path(folder), json.loads(memory)).held(int(count), int(each) or None) as (gpus, _):
        note("got", gpus)
        time.sleep(float(seconds))
        note("left", gpus)


if __name__ == "__main__":
    main()
