"""engine.deterministic: the same request gives the same tokens alone, in a crowd, and from the next process."""

import concurrent.futures

import httpx
import pytest

from service import needed, wait_for

MODEL = needed("SOVEREIGN_TEST_MODEL")
TEXT = "The harbour lies on the western shore, and the boats leave it every morning before sunrise."
# Greedy and seeded, quoted and free.
REQUESTS = [
    {"messages": [{"role": "user", "content": f"Repeat this word for word: {TEXT}"}], "temperature": 0},
    {"messages": [{"role": "user", "content": "Count from 1 to 12."}], "temperature": 0},
    {"messages": [{"role": "user", "content": "Write a sentence about the sea."}], "temperature": 1, "seed": 7},
    {"messages": [{"role": "user", "content": "Name three animals."}], "temperature": 0.7, "top_p": 0.9, "seed": 11},
]
CONFIG = f"""
[engine]
deterministic = true
context_tokens = 512
kv_cells = 4096
max_sequences = 8
[cache]
enabled = false
"""
KINDS = {
    "plain": "",
    "a draft model": f'speculation = "draft"\ndraft_model = "{MODEL}"\n',
    "a pool": "pool = 2\n",
}


def answer(service, request):
    response = httpx.post(service.url + "/v1/chat/completions", json=request | {"max_tokens": 32}, timeout=240)
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]["message"]["content"]


def in_a_crowd(service):
    """Every request three times, all at once, among others that nobody compares."""
    noise = [{"messages": [{"role": "user", "content": f"Describe the number {i}."}], "temperature": 1}
             for i in range(6)]
    with concurrent.futures.ThreadPoolExecutor(18) as pool:
        others = [pool.submit(answer, service, request) for request in noise]
        answers = list(pool.map(lambda request: answer(service, request), REQUESTS * 3))
        for other in others:
            other.result()
    return answers


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_process_gives_the_same_tokens(start, kind):
    config = CONFIG.replace("[cache]", KINDS[kind] + "[cache]")
    first = start(config)
    alone = [answer(first, request) for request in REQUESTS]
    assert all(alone) and len(set(alone)) == len(alone)
    assert in_a_crowd(first) == alone * 3
    first.process.kill()
    wait_for(lambda: first.process.poll() is not None, "its end")
    second = start(config)
    assert in_a_crowd(second) == alone * 3
    assert [answer(second, request) for request in REQUESTS] == alone
