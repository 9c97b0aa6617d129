"""Many clients, slow clients, clients that leave."""

import concurrent.futures
import socket

import httpx
import openai
import pytest

from service import wait_for


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


def test_500_clients_at_once(service, model):
    """Each gets an answer or a 429; none hangs, and the server is well afterwards."""
    with httpx.Client(
        base_url=service.url, timeout=600, limits=httpx.Limits(max_connections=500, max_keepalive_connections=0)
    ) as http:

        def ask(i):
            body = {"model": model, "prompt": f"{i}:", "max_tokens": 2, "stream": i % 2 == 0}
            return http.post("/v1/completions", json=body).status_code

        with concurrent.futures.ThreadPoolExecutor(500) as pool:
            statuses = list(pool.map(ask, range(500)))
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) >= 250
    service.wait_until_idle()
    assert service.ready_status() == 200


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
