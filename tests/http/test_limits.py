"""Many clients, slow clients, clients that leave."""

import concurrent.futures
import socket

import httpx
import openai
import pytest

from service import wait_for

CONFIG = "[cache]\nenabled = false\n[engine]\ncontext_tokens = 4096\n"


def request_bytes(service, body):
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_disconnect_frees_the_slot(service, stream):
    before = service.metrics()['sovereign_engine_requests_total{outcome="cancelled"}']
    body = b'{"prompt":"Once","max_tokens":4000,"ignore_eos":true,"stream":%s}' % stream.encode()
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(request_bytes(service, body))
        wait_for(lambda: service.metrics()["sovereign_engine_sequences_running"] == 1, "a running sequence")
    service.wait_until_idle()
    assert service.metrics()['sovereign_engine_requests_total{outcome="cancelled"}'] == before + 1


def test_a_client_that_never_reads_is_dropped(start):
    service = start(
        '[engine]\ncontext_tokens = 8192\n[server]\nwrite_timeout = "1s"\nmax_unsent_bytes = "16KiB"\n'
    )
    body = b'{"prompt":"Once","max_tokens":8000,"ignore_eos":true,"stream":true,"n":8,"logprobs":20}'
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", service.port))
    with connection:
        connection.sendall(request_bytes(service, body))
        cancelled = 'sovereign_engine_requests_total{outcome="cancelled"}'
        wait_for(lambda: service.metrics()[cancelled] == 1, "the slow client's end", 240)
        service.wait_until_idle()


def test_500_clients_at_once(start):
    """Room for all in the queue: everyone gets an answer, and the server is well afterwards."""
    service = start(CONFIG + "max_queued = 512\n")
    with httpx.Client(
        base_url=service.url, timeout=600, limits=httpx.Limits(max_connections=500, max_keepalive_connections=0)
    ) as http:

        def ask(i):
            body = {"prompt": f"{i}:", "max_tokens": 2, "stream": i % 2 == 0}
            return http.post("/v1/completions", json=body).status_code

        with concurrent.futures.ThreadPoolExecutor(500) as pool:
            statuses = list(pool.map(ask, range(500)))
    assert statuses == [200] * 500
    service.wait_until_idle()
    assert service.ready_status() == 200


def test_more_clients_than_the_queue_holds(start):
    """Each gets an answer or a 429; none hangs, and who was refused is served when he asks again."""
    service = start(CONFIG + "max_queued = 8\nmax_sequences = 2\n")
    with httpx.Client(
        base_url=service.url, timeout=600, limits=httpx.Limits(max_connections=100, max_keepalive_connections=0)
    ) as http:

        def ask(i):
            return http.post("/v1/completions", json={"prompt": f"{i}:", "max_tokens": 16, "ignore_eos": True}).status_code

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            statuses = list(pool.map(ask, range(100)))
        assert set(statuses) <= {200, 429}
        assert statuses.count(200) >= 8
        service.wait_until_idle()
        assert ask(0) == 200


def test_what_could_never_be_queued_is_refused_at_once(start):
    service = start(CONFIG + "max_queued = 16\n")
    with pytest.raises(openai.BadRequestError) as caught:
        service.client().completions.create(model="", prompt=["a"] * 9, n=2, max_tokens=1)
    assert caught.value.param == "prompt"
    assert "18" in caught.value.message
    assert len(service.client().completions.create(model="", prompt=["a"] * 8, n=2, max_tokens=1).choices) == 16


def test_a_client_may_set_a_deadline(service):
    options = {"model": "", "max_tokens": 4000, "extra_body": {"ignore_eos": True, "timeout": 0.5}}
    with pytest.raises(openai.InternalServerError) as caught:
        service.client().completions.create(prompt="Once", **options)
    assert caught.value.status_code == 504
    with pytest.raises(openai.InternalServerError) as caught:
        service.client().chat.completions.create(messages=[{"role": "user", "content": "Hi"}], **options)
    assert caught.value.status_code == 504
    query = {"content": "Hi", "max_tokens": 4000, "ignore_eos": True, "timeout": 0.5}
    assert httpx.post(service.url + "/v1/query", json=query, timeout=300).status_code == 504
    with pytest.raises(openai.BadRequestError) as caught:
        service.client().completions.create(model="", prompt="x", extra_body={"timeout": 0})
    assert caught.value.param == "timeout"
    service.wait_until_idle()


def test_a_full_queue_is_a_rate_limit(start):
    service = start("[engine]\nmax_sequences = 1\nmax_queued = 1\n")
    client = service.client()
    long = {"model": "", "prompt": "Once", "max_tokens": 3000, "stream": True, "extra_body": {"ignore_eos": True}}
    running = client.completions.create(**long)
    next(iter(running))
    with socket.create_connection(("127.0.0.1", service.port)) as queued:
        queued.sendall(request_bytes(service, b'{"prompt":"Two","max_tokens":3000,"ignore_eos":true}'))
        wait_for(lambda: service.metrics()["sovereign_engine_requests_queued"] == 1, "a queued request")
        with pytest.raises(openai.RateLimitError) as caught:
            client.completions.create(model="", prompt="Three", max_tokens=1)
        assert int(caught.value.response.headers["retry-after"]) >= 1
    running.close()
    service.wait_until_idle()


def test_a_deadline_ends_a_request(start):
    service = start('[server]\nrequest_timeout = "1s"\n')
    client = service.client()
    options = {"model": "", "prompt": "Once", "max_tokens": 4000, "extra_body": {"ignore_eos": True}}
    with pytest.raises(openai.InternalServerError) as caught:
        client.completions.create(**options)
    assert caught.value.status_code == 504
    # In mid-stream the client raises as well, after the text that had come.
    with pytest.raises(openai.APIError) as caught:
        for _ in client.completions.create(stream=True, **options):
            pass
    assert "request_timeout" in caught.value.message
    service.wait_until_idle()
