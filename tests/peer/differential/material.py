"""All groups of histories, by topic."""

from tests.peer.differential.histories import (
    aors,
    filters,
    flags,
    functions,
    gruus,
    instances,
    lifetimes,
    limits,
    lookups,
    matching,
    methods,
    ours,
    outbound,
    paths,
    preference,
    scripts,
    sources,
    syntax,
)
from tests.peer.differential.sequence import Group

GROUPS: tuple[Group, ...] = (
    *lifetimes.GROUPS,
    *preference.GROUPS,
    *aors.GROUPS,
    *matching.GROUPS,
    *sources.GROUPS,
    *limits.GROUPS,
    *methods.GROUPS,
    *paths.GROUPS,
    *scripts.GROUPS,
    *gruus.GROUPS,
    *instances.GROUPS,
    *outbound.GROUPS,
    *flags.GROUPS,
    *lookups.GROUPS,
    *functions.GROUPS,
    *filters.GROUPS,
    *syntax.GROUPS,
    *ours.GROUPS,
)
