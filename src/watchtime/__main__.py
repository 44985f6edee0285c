"""The command `watchtime`, by its name or as `python -m watchtime`, which torchrun calls."""

from watchtime.core.faults import sentences


def main() -> None:
    """Run the command line; an interruption is told while it is still being imported, too."""
    with sentences():
        from watchtime.cli import main as command
    command()


if __name__ == "__main__":
    main()
