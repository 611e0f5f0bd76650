"""A test kit for route scripts: requests in, effects out, with no socket and no server.

``ScriptBench`` runs a script over a store in memory, ``Phone`` writes the requests. The store is
fakeredis, which the extra ``regcluster[testing]`` installs.
"""

from regcluster.testing.bench import ScriptBench
from regcluster.testing.phone import Phone

__all__ = ["ScriptBench", "Phone"]
