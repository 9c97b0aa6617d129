"""What goes wrong comes back in OpenAI's shape, as the exception that the official client has for it."""

import select
import socket

import httpx
import openai
import pytest

HI = [{"role": "user", "content": "Hi"}]


def post(service, content, path="/v1/chat/completions", **options):
    headers = {"Content-Type": "application/json"}
    return httpx.post(service.url + path, content=content, headers=headers, timeout=300, **options)


def error_of(response):
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def test_unknown_model(client, model):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-99", messages=HI)
    assert caught.value.code == "model_not_found"
    assert model in caught.value.message
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-99")


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages[0].role"),
        ({"temperature": 3}, "temperature"),
        ({"n": 0}, "n"),
        ({"n": 100_000}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -5}, "max_completion_tokens"),
        ({"top_p": 7}, "top_p"),
        ({"stop": [1]}, "stop"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
    ],
)
def test_bad_parameters_are_named(client, model, options, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**({"model": model, "messages": HI} | options))
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"


def test_bad_grammar(client, model):
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=HI, extra_body={"grammar": "root ::= ("})


@pytest.mark.parametrize("stream", [False, True])
def test_prompt_longer_than_the_context(client, model, stream):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "word " * 6000}], stream=stream
        )
    assert caught.value.code == "context_length_exceeded"
    assert "4096" in caught.value.message
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model=model, prompt="word " * 6000)
    assert caught.value.code == "context_length_exceeded"


def test_malformed_json_says_where(service):
    response = post(service, b'{"model": "x",\n "messages": [}')
    assert response.status_code == 400
    assert "line 2" in error_of(response)["message"]
    assert post(service, b"").status_code == 400
    assert post(service, b"[" * 100_000).status_code == 400


def test_invalid_utf8(service):
    response = post(service, b'{"messages":[{"role":"user","content":"\xff\xfe"}]}')
    assert response.status_code == 400
    assert "UTF-8" in error_of(response)["message"]


def test_body_of_ten_megabytes(service, client, model):
    """A client that reads while it sends gets the 413, whether or not it got rid of its whole body."""
    body = b'{"prompt":"' + b"a" * 10_000_000 + b'"}'
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    received = b""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        connection.sendall(head)
        sent = 0
        while sent < len(body) and not received:
            readable, writable, _ = select.select([connection], [connection], [], 60)
            if readable:
                received += connection.recv(65536)
            elif writable:
                sent += connection.send(body[sent : sent + 65536])
        while b"}}" not in received:
            part = connection.recv(65536)
            assert part, f"the answer ends early: {received!r}"
            received += part
    status, _, answer = received.partition(b"\r\n")
    assert status.split()[1] == b"413"
    assert b'"error"' in answer
    assert client.completions.create(model=model, prompt="Hi", max_tokens=1).choices


def test_unknown_path_and_method(service):
    assert httpx.get(service.url + "/v1/nothing").status_code == 404
    error_of(httpx.get(service.url + "/v1/nothing"))
    response = httpx.get(service.url + "/v1/chat/completions")
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


def test_unknown_fields_are_ignored(client, model):
    answer = client.chat.completions.create(
        model=model, messages=HI, max_tokens=1, extra_body={"brand_new": {"a": 1}, "cache_prompt": True}
    )
    assert answer.choices
