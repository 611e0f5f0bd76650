"""``regcluster`` and ``python -m regcluster``: the command line, nothing else."""

from regcluster.control.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
