"""A horizontally scaled SIP registrar and location service on Redis."""

__version__ = "0.1.0"
