import pytest

from service import Service

# Small enough that a prompt can be too long, large enough for templates with tools.
CONFIG = """
[engine]
context_tokens = 4096
"""


@pytest.fixture(scope="session")
def service():
    """The server that most tests share. They leave it idle."""
    running = Service(CONFIG)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def client(service):
    return service.client()


@pytest.fixture(scope="session")
def model(client):
    return client.models.list().data[0].id


@pytest.fixture
def start():
    """start(config) gives a server of the test's own; the test may stop it itself."""
    started = []

    def start_service(config=""):
        started.append(Service(config))
        return started[-1]

    yield start_service
    for running in started:
        if running.process.poll() is None:
            running.stop()
