"""Settings: their classes (``settings``) and how they are read (``reader``)."""

from regcluster.config.settings import (
    HttpSettings,
    LimitSettings,
    ListenSettings,
    LocationSettings,
    LogSettings,
    NodeSettings,
    RegistrarSettings,
    RoutingSettings,
    Settings,
    StoreSettings,
)

__all__ = [
    "Settings",
    "NodeSettings",
    "ListenSettings",
    "StoreSettings",
    "RegistrarSettings",
    "LocationSettings",
    "RoutingSettings",
    "HttpSettings",
    "LimitSettings",
    "LogSettings",
]
