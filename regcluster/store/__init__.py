"""The store room: bindings in Redis. ``api`` says what it does, ``open_store`` opens it."""

from regcluster.store.remote import RedisStore, open_store

__all__ = ["RedisStore", "open_store"]
