"""The console: one page at ``/`` for people, which asks the HTTP API as any other client does."""

from regcluster.control.console.pages import routes

__all__ = ["routes"]
