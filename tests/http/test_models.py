"""Several models in one server: by name and alias, in memory when asked for, within a budget."""

import concurrent.futures
import os
import subprocess

import httpx
import pytest

from service import needed, wait_for

MODEL = needed("SOVEREIGN_TEST_MODEL")
# Each takes about 170 MB with its cache and buffers: the first, and one of the other two at a time, fit.
CONFIG = f"""
[engine]
context_tokens = 512
kv_cells = 1024
max_sequences = 4
max_cached_prefixes = 4
[cache]
enabled = false
[model]
name = "first"
memory_budget = "420MB"
load_timeout = "60s"
[models.second]
path = "{MODEL}"
aliases = ["two"]
[models.third]
path = "{MODEL}"
context_tokens = 256
"""


def ask(service, model, **more):
    body = {"model": model, "messages": [{"role": "user", "content": "Name three colours."}],
            "temperature": 0, "max_tokens": 8} | more
    return httpx.post(service.url + "/v1/chat/completions", json=body, timeout=120)


def in_memory(service):
    metrics = service.metrics()
    return {name: metrics[f'sovereign_model_in_memory{{model="{name}"}}'] == 1
            for name in ("first", "second", "third")}


@pytest.fixture(scope="module")
def service():
    from service import Service
    running = Service(CONFIG)
    yield running
    running.stop()


def test_all_models_are_listed_and_only_the_first_is_in_memory(service):
    listed = httpx.get(service.url + "/v1/models").json()["data"]
    assert [m["id"] for m in listed] == ["first", "second", "third"]
    assert in_memory(service) == {"first": True, "second": False, "third": False}


def test_a_model_that_is_not_in_memory_is_cold(service):
    ready = httpx.get(service.url + "/readyz")
    assert ready.status_code == 200
    assert {b["name"]: b["status"] for b in ready.json()["backends"]} == {
        "first": "ready", "second": "cold", "third": "cold"}


def test_a_model_is_picked_by_name_or_alias_and_comes_into_memory(service):
    first, second = ask(service, "first").json(), ask(service, "two").json()
    assert (first["model"], second["model"]) == ("first", "second")
    # The same weights, whoever they belong to.
    assert first["choices"][0]["message"] == second["choices"][0]["message"]
    assert in_memory(service)["second"]


def test_models_leave_memory_for_each_other(service):
    for name in ("second", "third", "second"):
        answer = ask(service, name)
        assert answer.status_code == 200, answer.text
        assert in_memory(service) == {"first": True, "second": name == "second", "third": name == "third"}


def test_settings_of_its_own(service):
    answer = ask(service, "third", messages=[{"role": "user", "content": "word " * 300}])
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert ask(service, "second", messages=[{"role": "user", "content": "word " * 300}]).status_code == 200


def test_an_unknown_model(service):
    answer = ask(service, "fourth")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    for name in ("first", "second", "third"):
        assert name in answer.json()["error"]["message"]


def test_completions_pick_their_model_too(service):
    body = {"prompt": "One, two,", "max_tokens": 4, "temperature": 0}
    answers = [httpx.post(service.url + "/v1/completions", json=body | {"model": m}, timeout=120).json()
               for m in ("first", "third")]
    assert [a["model"] for a in answers] == ["first", "third"]
    assert answers[0]["choices"][0]["text"] == answers[1]["choices"][0]["text"]


def test_many_ask_for_models_that_do_not_fit_together(service):
    names = ["first", "second", "third", "two"] * 6
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: ask(service, name), names))
    assert [a.status_code for a in answers] == [200] * len(names)
    wait_for(lambda: not (in_memory(service)["second"] and in_memory(service)["third"]), "one of the two to leave")


def refused_at_the_start(folder, config):
    (folder / "sovereign.toml").write_text(config)
    ended = subprocess.run(
        [needed("SOVEREIGN_BIN"), "serve", "--config", str(folder / "sovereign.toml"), "--model.path", MODEL,
         "--server.port", "0"], capture_output=True, text=True, timeout=120)
    assert ended.returncode != 0
    return ended.stdout + ended.stderr


def test_a_damaged_model_is_refused_at_the_start(tmp_path):
    (tmp_path / "damaged.gguf").write_bytes(b"GGUF and nothing else")
    assert "damaged" in refused_at_the_start(tmp_path, '[models.damaged]\npath = "./damaged.gguf"\n')


def test_what_can_never_fit_is_refused_at_the_start(tmp_path):
    said = refused_at_the_start(
        tmp_path, f'[model]\nmemory_budget = "1GB"\n[models.giant]\npath = "{MODEL}"\nkv_cells = 60000000\n')
    assert "giant" in said and "memory_budget" in said


def test_a_model_whose_file_is_gone_fails_its_requests_and_recovers(start, tmp_path):
    path = tmp_path / "link.gguf"
    os.symlink(MODEL, path)
    running = start(f'[engine]\ncontext_tokens = 512\nkv_cells = 512\n[models.linked]\npath = "{path}"\n')
    path.unlink()
    answer = ask(running, "linked")
    assert answer.status_code >= 500 and "link.gguf" in answer.json()["error"]["message"]
    os.symlink(MODEL, path)
    # A failure is remembered for a few seconds.
    wait_for(lambda: ask(running, "linked").status_code == 200, "the model to be tried again")
