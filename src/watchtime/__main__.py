"""`python -m watchtime`, which torchrun and the launcher of several processes call."""

from watchtime.cli import main

if __name__ == "__main__":
    main()
