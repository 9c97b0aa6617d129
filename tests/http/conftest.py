import pytest

from service import Service

# Exit codes: SIGABRT, SIGSEGV, a finding of the thread sanitizer.
CRASHES = (-6, -11, 66)

# Small enough that a prompt can be too long, large enough for templates with tools. Without the response
# cache: a question that is asked twice is answered twice.
CONFIG = """
[engine]
context_tokens = 4096
[cache]
enabled = false
"""


@pytest.fixture(scope="module")
def service(request):
    """The server that most tests of a file share. They leave it idle. A file's SERVICE_CONFIG replaces CONFIG."""
    running = Service(getattr(request.module, "SERVICE_CONFIG", CONFIG))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(service):
    return service.client()


@pytest.fixture(scope="module")
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
    wrong = []
    for running in started:
        code = running.process.poll()
        if code in CRASHES:
            wrong.append(f"the server crashed ({code}):\n{running.log_text()}")
        if code is None:
            try:
                running.stop()
            except AssertionError as error:
                wrong.append(str(error))
    assert not wrong, "\n".join(wrong)
