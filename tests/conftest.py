"""What every test shares: async tests run on asyncio with uvloop, as the product does."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The one event loop we ship with; trio would run redis-py's asyncio client on nothing."""
    return ("asyncio", {"use_uvloop": True})
