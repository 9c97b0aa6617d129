"""Health, metrics, draining, keys, CORS."""

import hashlib
import statistics
import threading

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service import wait_for


def test_health_answers_while_a_long_prompt_prefills(service, model):
    """Health and metrics come back before the prompt that was sent first, and in milliseconds.

    The bound is fifty times what they take, since a test machine may be busy; an engine that held them up would
    add its whole step, again and again, so the median tells.
    """
    answered = threading.Event()

    def ask():
        httpx.post(
            service.url + "/v1/completions",
            json={"model": model, "prompt": [[start + i % 1000 for i in range(4000)] for start in (100, 200, 300)],
                  "max_tokens": 1},
            timeout=600,
        )
        answered.set()

    # Several, so that the engine is busy however fast it is.
    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: service.metrics()["sovereign_engine_sequences_running"] >= 1, "the long prompts' start")
    with httpx.Client(base_url=service.url, timeout=30) as http:
        for path in ("/healthz", "/readyz", "/metrics"):
            durations = []
            for _ in range(9):
                response = http.get(path)
                assert response.status_code == 200
                durations.append(response.elapsed.total_seconds())
            assert statistics.median(durations) < 0.25, path
    assert not answered.is_set()
    thread.join()


def test_health_says_what_it_is(service):
    assert httpx.get(service.url + "/healthz").json() == {"status": "alive"}
    assert httpx.get(service.url + "/readyz").json() == {"status": "ready"}
    assert "/v1/chat/completions" in httpx.get(service.url + "/").json()["routes"]


def test_metrics_are_prometheus_text(service, client, model):
    client.completions.create(model=model, prompt="Hi", max_tokens=4, extra_body={"ignore_eos": True})
    page = httpx.get(service.url + "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(page.text)}
    for family in families.values():
        assert family.name.startswith(("sovereign_", "process_"))
        assert family.documentation and family.type in ("counter", "gauge", "histogram")
    for name in (
        "sovereign_build_info",
        "sovereign_engine_requests",
        "sovereign_engine_prefill_tokens",
        "sovereign_engine_decode_tokens",
        "sovereign_engine_prefix_hits",
        "sovereign_engine_kv_cells_used",
        "sovereign_engine_requests_queued",
        "sovereign_engine_batch_tokens",
        "sovereign_engine_time_to_first_token_seconds",
        "sovereign_engine_inter_token_seconds",
        "sovereign_engine_request_seconds",
        "sovereign_http_requests",
        "process_resident_memory_bytes",
        "process_cpu_seconds",
    ):
        assert name in families, name
    assert families["sovereign_engine_decode_tokens"].samples[0].value >= 4
    for family in families.values():
        if family.type != "histogram":
            continue
        by_series = {}
        for sample in family.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            by_series.setdefault(labels, []).append(sample)
        for samples in by_series.values():
            buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
            count = [sample.value for sample in samples if sample.name.endswith("_count")]
            assert buckets == sorted(buckets) and buckets[-1] == count[0]


def test_sigterm_under_load_drains_and_exits_0(start):
    service = start('[server]\ndrain_timeout = "10m"\n')
    client = service.client()
    texts = {}

    def stream(i):
        chunks = client.completions.create(
            model="", prompt=f"{i}:", max_tokens=120, temperature=0, stream=True, extra_body={"ignore_eos": True}
        )
        finish = None
        for chunk in chunks:
            finish = chunk.choices[0].finish_reason or finish
        texts[i] = finish

    threads = [threading.Thread(target=stream, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    wait_for(lambda: service.metrics()["sovereign_engine_sequences_running"] == 8, "eight running sequences")
    service.terminate()
    for thread in threads:
        thread.join()
    assert service.exit_code() == 0
    assert texts == {i: "length" for i in range(8)}
    assert not service.port_file.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url + "/healthz")


def test_api_keys(start):
    keys = ["first-key", "second-key"]
    hashes = ", ".join(f'"sha256:{hashlib.sha256(key.encode()).hexdigest()}"' for key in keys)
    service = start(f"[server]\napi_key_hashes = [{hashes}]\n")
    for key in keys:
        assert service.client(api_key=key).models.list().data
    with pytest.raises(openai.AuthenticationError):
        service.client(api_key="wrong").models.list()
    response = httpx.post(service.url + "/v1/completions", json={"prompt": "Hi"})
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "authentication_error"
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(service.url + path).status_code == 200


def test_cors(start):
    service = start('[server]\ncors_origins = ["https://app.example"]\n')
    preflight = httpx.options(
        service.url + "/v1/chat/completions",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    error = httpx.post(service.url + "/v1/chat/completions", content=b"{", headers={"Origin": "https://app.example"})
    assert error.headers["access-control-allow-origin"] == "https://app.example"
    foreign = httpx.get(service.url + "/v1/models", headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in foreign.headers


def test_request_id_is_echoed(service):
    response = httpx.get(service.url + "/v1/models", headers={"X-Request-Id": "abc-123"})
    assert response.headers["x-request-id"] == "abc-123"
