"""Text completions and embeddings through the gateway: before a second `sovereign serve`, and before servers that
lack a route, fail and die."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import openai
import pytest

from service import Service, wait_for

REMOTE_CONFIG = """
[engine]
context_tokens = 2048
embedding_pooling = "mean"
[cache]
enabled = false
"""
PROMPT = "The capital of France is"
TEXT = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "/data/file.gguf",
        "choices": [{"index": 0, "text": " Paris", "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}}


class Stub:
    """A server whose answers the test gives: answer(handler, body) writes one."""

    def __init__(self, answer):
        self.requests = []
        self.left = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.requests.append((self.path, dict(self.headers), body))
                answer(self, body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def reply(handler, value, status=200, headers=()):
    body = json.dumps(value).encode()
    handler.send_response(status)
    for name, text in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(body)


def begin_events(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True


def send_event(handler, value):
    text = value if isinstance(value, str) else json.dumps(value)
    handler.wfile.write(f"data: {text}\n\n".encode())


def chunk(text, finish=None):
    return {"object": "text_completion", "model": "x", "choices": [{"index": 0, "text": text, "finish_reason": finish}]}


@pytest.fixture
def stub():
    stubs = []

    def make(answer):
        stubs.append(Stub(answer))
        return stubs[-1]

    yield make
    for running in stubs:
        running.stop()


def backend(name, url, extra=""):
    return f'[backends.{name}]\npreset = "openai"\nurl = "{url}"\n{extra}'


NO_MODEL = '[model]\nenabled = false\n[routing]\nprobe_interval = "0s"\n'


def in_two_parts(first, last, go_on):
    """The second comes when the test lets it."""
    def answer(handler, body):
        begin_events(handler)
        send_event(handler, chunk(first))
        assert go_on.wait(60)
        send_event(handler, chunk(last, "stop"))
        send_event(handler, "[DONE]")

    return answer


@pytest.fixture(scope="module")
def remote():
    running = Service(REMOTE_CONFIG)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def front(remote):
    """A server without a model of its own, before a dead backend and the remote."""
    running = Service(
        NO_MODEL
        + backend("dead", "http://127.0.0.1:9", 'tier = "local"\n')
        + backend("alive", remote.url, 'tier = "pool"\naliases = ["other-name"]\n')
    )
    yield running
    running.stop()


def complete(client, **options):
    options = {"prompt": PROMPT, "max_tokens": 8, "temperature": 0} | options
    return client.completions.create(model=options.pop("model", ""), **options)


def test_a_completion_is_the_remote_models_own(front, remote):
    model = remote.client().models.list().data[0].id
    direct = complete(remote.client(), logprobs=1, n=2)
    for name in ("", "auto", "pool", "alive", "other-name"):
        through = complete(front.client(), model=name, logprobs=1, n=2)
        assert [c.text for c in through.choices] == [c.text for c in direct.choices], name
        assert through.choices[0].logprobs.tokens == direct.choices[0].logprobs.tokens
        assert through.usage.completion_tokens == direct.usage.completion_tokens
        assert through.model == model


def test_a_stream_is_too(front, remote):
    direct = complete(remote.client()).choices[0].text
    chunks = list(complete(front.client(), stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].text for c in chunks if c.choices) == direct
    assert len(chunks) > 2 and chunks[-1].usage.completion_tokens > 0


def test_embeddings_of_a_list(front, remote):
    texts = ["a cat", "a kitten", "the stock market"]
    direct = remote.client().embeddings.create(model="", input=texts)
    through = front.client().embeddings.create(model="alive", input=texts)
    assert [e.embedding for e in through.data] == [e.embedding for e in direct.data]
    assert [e.index for e in through.data] == [0, 1, 2]
    assert through.usage.prompt_tokens == direct.usage.prompt_tokens
    floats = front.client().embeddings.create(model="alive", input=texts[0], encoding_format="float")
    assert len(floats.data) == 1 and len(floats.data[0].embedding) == len(through.data[0].embedding)


def test_require_local_is_refused_where_nothing_is_local(front, remote):
    before = remote.metrics()["sovereign_engine_requests_accepted_total"]
    for call in (lambda **more: complete(front.client(), **more),
                 lambda **more: front.client().embeddings.create(model="", input="a", **more)):
        with pytest.raises(openai.BadRequestError) as caught:
            call(extra_body={"require_local": True})
        assert caught.value.code == "no_backend"
    assert remote.metrics()["sovereign_engine_requests_accepted_total"] == before


def test_a_client_that_leaves_is_noticed_by_the_remote(front, remote):
    stream = complete(front.client(), model="alive", max_tokens=1500, stream=True, extra_body={"ignore_eos": True})
    next(iter(stream))
    stream.close()
    remote.wait_until_idle()


def test_names_that_nobody_has_are_refused(front):
    with pytest.raises(openai.NotFoundError):
        complete(front.client(), model="gpt-9")
    with pytest.raises(openai.BadRequestError):
        complete(front.client(), prompt=[1, 2])  # of whose vocabulary?


def test_the_body_is_the_clients_and_the_key_is_the_backends(start, stub, tmp_path):
    there = stub(lambda handler, body: reply(handler, TEXT))
    (tmp_path / "key").write_text("its-own-key\n")
    service = start(NO_MODEL + backend("desk", there.url, f'model = "seven-b"\napi_key_file = "{tmp_path}/key"\n'))
    answer = complete(service.client(api_key="clients-key"), model="desk", suffix="!", user="someone",
                      extra_body={"timeout": 20, "tier": "pool", "cache": "off", "odd": {"x": [1]}})
    assert answer.choices[0].text == " Paris" and answer.model == "seven-b"
    path, headers, body = there.requests[0]
    assert path == "/v1/completions"
    assert headers["Authorization"] == "Bearer its-own-key"
    assert body == {"model": "seven-b", "prompt": PROMPT, "max_tokens": 8, "temperature": 0, "suffix": "!",
                    "user": "someone", "odd": {"x": [1]}}


def test_who_dies_before_the_first_byte_is_passed_over(start, stub):
    def die(handler, body):
        handler.close_connection = True
        handler.connection.close()

    dying, good = stub(die), stub(lambda handler, body: reply(handler, TEXT))
    service = start(NO_MODEL + backend("dying", dying.url, 'model = "a"\n')
                    + backend("good", good.url, 'model = "b"\npriority = 1\n'))
    answer = complete(service.client())
    assert answer.choices[0].text == " Paris" and answer.model == "b"
    assert dying.requests
    metrics = service.metrics()
    assert metrics['sovereign_backend_calls_total{backend="dying",outcome="failed"}'] == 1
    assert metrics['sovereign_backend_calls_total{backend="good",outcome="answered"}'] == 1
    # Vectors of another model are no replacement.
    with pytest.raises(openai.InternalServerError) as caught:
        service.client().embeddings.create(model="", input="a")
    assert caught.value.status_code == 503
    assert all(path == "/v1/completions" for path, _, _ in good.requests)


def test_who_dies_in_mid_stream_ends_it_with_an_error(start, stub):
    seen = threading.Event()

    def die_later(handler, body):
        begin_events(handler)
        send_event(handler, chunk(" Par"))
        assert seen.wait(60)

    service = start(NO_MODEL + backend("dying", stub(die_later).url, 'model = "a"\n'))
    stream = iter(complete(service.client(), stream=True))
    assert next(stream).choices[0].text == " Par"
    seen.set()
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "backend_broke_off"


def test_events_come_as_they_are_made(start, stub):
    go_on = threading.Event()
    service = start(NO_MODEL + backend("desk", stub(in_two_parts(" Par", "is", go_on)).url, 'model = "a"\n'))
    stream = iter(complete(service.client(), stream=True))
    first = next(stream)
    assert first.choices[0].text == " Par" and first.model == "a"
    go_on.set()
    assert [c.choices[0].text for c in stream] == ["is"]


def test_who_lacks_the_route_is_passed_over_and_spared(start, stub):
    lacking = stub(lambda handler, body: reply(handler, {"detail": "Not Found"}, 404))
    vectors = {"object": "list", "model": "x", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
               "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    having = stub(lambda handler, body: reply(handler, vectors if handler.path.endswith("embeddings") else TEXT))
    service = start(NO_MODEL + backend("lacking", lacking.url, 'model = "a"\n')
                    + backend("having", having.url, 'model = "b"\npriority = 1\n'))
    for _ in range(3):
        assert complete(service.client()).choices[0].text == " Paris"
        made = service.client().embeddings.create(model="", input="a", encoding_format="float")
        assert made.data[0].embedding == [0.5] and made.model == "b"
    assert sorted(path for path, _, _ in lacking.requests) == ["/v1/completions", "/v1/embeddings"]
    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as caught:
            complete(service.client(), model="lacking")
        assert caught.value.code == "route_not_supported"
    assert service.metrics()['sovereign_backend_calls_total{backend="lacking",outcome="failed"}'] == 0


def test_a_backends_own_words_about_a_wrong_request(start, stub):
    error = {"error": {"message": "'best_of' is odd", "code": "odd", "type": "invalid_request_error"}}
    service = start(NO_MODEL + backend("desk", stub(lambda handler, body: reply(handler, error, 422)).url, 'model = "a"\n'))
    with pytest.raises(openai.BadRequestError) as caught:
        complete(service.client(), best_of=3)
    assert caught.value.code == "odd" and "best_of" in caught.value.message


def test_a_full_backend_is_429_with_its_retry_after(start, stub):
    there = stub(lambda handler, body: reply(handler, {}, 429, [("Retry-After", "7")]))
    service = start(NO_MODEL + backend("desk", there.url, 'model = "a"\n'))
    with pytest.raises(openai.RateLimitError) as caught:
        complete(service.client())
    assert caught.value.response.headers["retry-after"] == "7"


def test_who_waits_longer_than_its_own_time_has_504(start, stub):
    over = threading.Event()
    service = start(NO_MODEL + backend("desk", stub(lambda handler, body: over.wait(60)).url, 'model = "a"\n'))
    answer = httpx.post(service.url + "/v1/completions", json={"prompt": "a", "timeout": 0.5}, timeout=60)
    over.set()
    assert answer.status_code == 504 and answer.elapsed.total_seconds() < 10


def test_beside_a_model_here_who_names_nobody_is_answered_here(start, stub):
    down = threading.Event()
    there = stub(lambda handler, body: reply(handler, TEXT, 503 if down.is_set() else 200))
    service = start('[engine]\ncontext_tokens = 2048\n[routing]\nprobe_interval = "0s"\n'
                    + backend("desk", there.url, 'model = "seven-b"\ntier = "pool"\n'))
    wait_for(lambda: httpx.get(service.url + "/readyz").json()["backends"][0]["status"] == "ready", "the model here")
    here = complete(service.client(), max_tokens=4)
    assert here.choices[0].text and here.model != "seven-b" and not there.requests
    assert complete(service.client(), max_tokens=4, model=here.model).choices[0].text == here.choices[0].text
    assert complete(service.client(), model="seven-b").choices[0].text == " Paris"
    assert complete(service.client(), extra_body={"tier": "pool"}).model == "seven-b"
    with pytest.raises(openai.BadRequestError) as caught:
        complete(service.client(), model="desk", extra_body={"require_local": True})
    assert caught.value.code == "require_local"
    assert len(there.requests) == 2
    down.set()
    assert complete(service.client(), max_tokens=4, extra_body={"tier": "pool"}).model == here.model
    with pytest.raises(openai.InternalServerError):
        complete(service.client(), model="desk")


def test_sigterm_while_the_model_loads_cuts_off_nobody(stub):
    """A backend answers while the model here is read from disk; the end waits for that answer, not for the load."""
    go_on = threading.Event()
    service = Service('[engine]\ndeterministic = true\n[routing]\nprobe_interval = "0s"\n'
                      + backend("slow", stub(in_two_parts("one", " two", go_on)).url, 'tier = "pool"\nmodel = "x"\n'))
    text = ""
    for part in complete(service.client(), model="pool", stream=True):
        if not text:
            service.terminate()
            wait_for(lambda: "draining" in service.log_text(), "the drain")
            go_on.set()
        text += part.choices[0].text
    assert text == "one two"
    assert service.exit_code() == 0
    assert not service.port_file.exists()
