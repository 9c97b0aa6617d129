"""The gateway before a second `sovereign serve`: routing, fallback, limits, statuses."""

import httpx
import openai
import pytest

from conftest import CONFIG
from service import Service

QUESTION = [{"role": "user", "content": "Name a colour."}]


def backend(name, url, extra=""):
    return f'[backends.{name}]\npreset = "llama-server"\nurl = "{url}"\n{extra}'


@pytest.fixture(scope="module")
def remote():
    running = Service(CONFIG)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def front(remote):
    """A server without a model of its own, before a dead backend and the remote."""
    running = Service(
        "[model]\nenabled = false\n[cache]\nenabled = false\n[routing]\nprobe_interval = \"0s\"\n"
        'breaker_open_for = "10m"\n'  # else slow answers (a sanitizer's) outlast it
        + backend("dead", "http://127.0.0.1:9", "priority = 0\n")
        + backend("alive", remote.url, "priority = 1\n")
    )
    yield running
    running.stop()


def ask(client, **options):
    return client.chat.completions.create(
        model=options.pop("model", "auto"), messages=QUESTION, max_tokens=8, temperature=0, **options
    )


def test_the_answer_is_the_remote_models_own(front, remote):
    direct = ask(remote.client(), model="").choices[0].message.content
    through = ask(front.client())
    assert through.choices[0].message.content == direct
    assert through.usage.completion_tokens > 0
    streamed = ask(front.client(), stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in streamed if c.choices) == direct


def test_a_dead_first_choice_is_not_noticed_and_then_spared(front):
    for _ in range(6):
        ask(front.client())
    metrics = front.metrics()
    assert metrics['sovereign_backend_breaker{backend="dead",state="open"}'] == 1
    assert metrics['sovereign_backend_status{backend="alive",tier="local",status="ready"}'] == 1
    ready = httpx.get(front.url + "/readyz").json()
    assert {b["name"]: b["status"] for b in ready["backends"]} == {"dead": "offline", "alive": "ready"}


def test_models_are_named_and_unknown_ones_refused(front):
    assert {m.id for m in front.client().models.list().data} == {"dead", "alive"}
    assert ask(front.client(), model="alive").choices
    with pytest.raises(openai.NotFoundError):
        ask(front.client(), model="gpt-9")


def test_require_local_is_refused_where_nothing_is_local(front, remote):
    before = remote.metrics()["sovereign_engine_requests_accepted_total"]
    answer = httpx.post(front.url + "/v1/query", json={"content": "Hi", "require_local": True})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "no_backend"
    assert "retry-after" not in answer.headers, "waiting would not help"
    assert remote.metrics()["sovereign_engine_requests_accepted_total"] == before


def test_a_query_by_tier(front):
    answer = httpx.post(
        front.url + "/v1/query", json={"content": "Hi", "tier": "local", "max_tokens": 4}, timeout=60
    )
    assert answer.status_code == 200 and answer.json()["answer"]
    assert answer.json()["tier"] == "local" and answer.json()["timings"]["stages"][0]["stage"] == "tier"
    assert httpx.post(front.url + "/v1/query", json={"content": "Hi", "tier": "moon"}).status_code == 400


def test_who_waits_for_a_place_has_its_answer_when_its_time_is_over(start, remote):
    narrow = start("[model]\nenabled = false\n[cache]\nenabled = false\n"
                   + backend("alive", remote.url, "max_concurrency = 1\n"))
    stream = narrow.client().chat.completions.create(
        model="alive", messages=QUESTION, max_tokens=3000, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    body = {"model": "alive", "messages": QUESTION, "timeout": 1}
    answer = httpx.post(narrow.url + "/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 504, answer.text
    assert answer.elapsed.total_seconds() < 5
    next(iter(stream))  # it goes on
    stream.close()
    remote.wait_until_idle()


def test_a_client_that_leaves_is_noticed_by_the_remote(front, remote):
    stream = front.client().chat.completions.create(
        model="alive", messages=QUESTION, max_tokens=3000, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    stream.close()
    remote.wait_until_idle()


def test_limits_are_429_with_retry_after(start, remote):
    service = start(
        "[model]\nenabled = false\n[limits]\nrequests_per_minute = 1\nburst = 1\n" + backend("alive", remote.url)
    )
    ask(service.client())
    with pytest.raises(openai.RateLimitError) as caught:
        ask(service.client())
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


def test_all_down_is_503(start):
    service = start(
        '[model]\nenabled = false\n[routing]\nprobe_interval = "0s"\nbreaker_failures = 1\nbreaker_open_for = "10m"\n'
        + backend("dead", "http://127.0.0.1:9")
    )
    for _ in range(2):  # the backend is asked; then its breaker is open
        with pytest.raises(openai.InternalServerError) as caught:
            ask(service.client())
        assert caught.value.status_code == 503
        assert int(caught.value.response.headers["retry-after"]) >= 1
    assert service.ready_status() == 503
