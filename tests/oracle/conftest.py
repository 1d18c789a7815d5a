"""Both real servers, started once for all tests, and the seed of this run."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from optimizer.settings import Server
from tests.oracle.server import Oracle, RealServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Server, Oracle]]:
    directory = tmp_path_factory.mktemp("oracle")
    with (
        RealServer(Server.CURRENT, directory / "current") as current,
        RealServer(Server.EARLIER, directory / "earlier") as earlier,
    ):
        asked = {server.generation: Oracle(server) for server in (current, earlier)}
        yield asked
        for oracle in asked.values():
            oracle.close()


@pytest.fixture(params=list(Server), ids=lambda server: server.value)
def server(request: pytest.FixtureRequest) -> Server:
    return request.param


@pytest.fixture
def oracle(oracles: dict[Server, Oracle], server: Server) -> Oracle:
    return oracles[server]


@pytest.fixture(scope="session")
def seed() -> str:
    """Another on every run, unless told to repeat one."""
    return os.environ.get("PERMOPT_SEED") or str(random.SystemRandom().randrange(10**9))


@pytest.fixture
def chance(request: pytest.FixtureRequest, seed: str) -> random.Random:
    """Draws of its own for each test; what they come from is printed with a failure."""
    print(f"PERMOPT_SEED={seed}")  # noqa: T201 pytest shows it where the test fails
    return random.Random(f"{seed} {request.node.name}")
