"""Load for a registrar: ``Load`` says what to offer, ``run`` offers it, a ``Report`` comes of it.

The generator is made of processes that do nothing else: raw sockets, messages put together from
prepared pieces, no event loop and no task per message. It measures itself as closely as the server,
so that its own limit is never taken for the server's.
"""

from regcluster.load.crew import Tick, run
from regcluster.load.plan import Load
from regcluster.load.report import Report

__all__ = ["Load", "Report", "Tick", "run"]
