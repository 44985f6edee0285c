"""The notebook kernel: the running interpreter, whatever kernels are installed on the machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

# The system allows 103 bytes on macOS; a few more characters tell the kernel's sockets apart.
_LONGEST_SOCKET_PATH = 96


def this_interpreter(folder: Path) -> type[AsyncKernelManager]:
    """Return a kernel manager that starts the running interpreter and keeps its files in ``folder``.

    The kernel talks over sockets in ``folder``, so that notebooks running side by side cannot race for
    a port. It reads no personal IPython settings, and sets iterate in the same order in every run.
    """
    connection = str(folder / "kernel.json")
    transport = "ipc" if len(connection) < _LONGEST_SOCKET_PATH else "tcp"
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    environment = {
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }

    class ThisInterpreter(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(connection_file=connection, transport=transport, transport_encryption="auto", **options)

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(
                argv=command,
                display_name="Python 3",
                language="python",
                env=environment,
                metadata={"supported_encryption": ["curve"]},
            )

    return ThisInterpreter
