"""kill -9 of the program under load, again and again: what it answers from its disk afterwards is exactly what
it answered before, and nothing that is older than a second is missing.

SOVEREIGN_KILL_ROUNDS sets the number of rounds (100 for the long run).
"""

import hashlib
import os
import random
import threading
import time

import httpx

from service import Service, wait_for

ROUNDS = int(os.environ.get("SOVEREIGN_KILL_ROUNDS", "8"))
QUESTIONS = 400
NEW_QUESTIONS = 4  # of each life: when all were answered, no life would bring an answer any more
ADMIN_KEY = "sk-admin-for-tests"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
CONFIG = f"""
[engine]
context_tokens = 256
kv_cells = 2048
max_sequences = 8
[server]
admin_key_hashes = ["sha256:{hashlib.sha256(ADMIN_KEY.encode()).hexdigest()}"]
[cache]
disk_path = "%s"
"""


class Journal:
    """What the clients were told: kept apart from the program that is tested."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers = {}  # key -> every answer that was given under it
        self.kept_at = {}  # key -> when an answer was first seen that was then in the cache

    def told(self, key, answer, status):
        with self.lock:
            # An answer that was kept, and whose client was cut off before it read it, is known to nobody.
            if status == "hit" and key in self.answers:
                assert answer in self.answers[key], f"{key}: {answer!r} was never given"
            self.answers.setdefault(key, set()).add(answer)
            self.kept_at.setdefault(key, time.monotonic())

    def forget_since(self, moment):
        """What was kept after the moment may be lost."""
        with self.lock:
            young = [key for key, kept in self.kept_at.items() if kept > moment]
            for key in young:
                del self.kept_at[key]
            return len(young)


def load(service, journal, stop, seed, failures, first_question):
    rng = random.Random(seed)
    with httpx.Client(timeout=30) as client:
        while not stop.is_set():
            number = first_question + rng.randrange(QUESTIONS)
            body = {"content": f"Say a word about number {number}.", "max_tokens": 2}
            try:
                response = client.post(service.url + "/v1/query", json=body)
                result = response.json()
            except (httpx.HTTPError, ValueError):
                return  # killed
            try:
                assert response.status_code == 200, response.text
                journal.told(result["cache"]["key"], result["answer"], result["cache"]["status"])
            except AssertionError as failure:
                failures.append(str(failure))
                return


def check(service, journal):
    """Every answer that must be there is there, and is one that was given."""
    with httpx.Client(timeout=30, headers=AS_ADMIN) as admin:
        for key in list(journal.kept_at):
            entry = admin.get(f"{service.url}/admin/cache/{key}")
            assert entry.status_code == 200, f"{key} is lost: {entry.text}"
            assert entry.json()["answers"][0] in journal.answers[key]
        disk = admin.get(service.url + "/admin/cache").json()["levels"][0]
        assert disk["corrupt"] == 0 and disk["errors"] == 0, disk
    return len(journal.kept_at)


def test_kill_9_under_load(tmp_path):
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    journal = Journal()
    failures = []
    checked = lost = 0
    for round_number in range(ROUNDS):
        service = Service(CONFIG % (tmp_path / "answers.db"))
        try:
            wait_for(lambda: httpx.get(service.url + "/admin/cache", headers=AS_ADMIN).json()["levels"][0]["healthy"],
                     "the disk level")
            checked += check(service, journal)
            stop = threading.Event()
            known = len(journal.kept_at)
            threads = [
                threading.Thread(target=load, args=(service, journal, stop, seed + round_number * 8 + i, failures,
                                                    round_number * NEW_QUESTIONS))
                for i in range(4)
            ]
            for thread in threads:
                thread.start()
            wait_for(lambda: failures or len(journal.kept_at) > known, "a new answer")
            # Some lives are long enough for the promise about the last second to bite.
            time.sleep(rng.uniform(1.2, 1.8) if round_number % 4 == 3 else rng.uniform(0, 0.5))
            killed_at = time.monotonic()
        finally:
            service.process.kill()
            service.process.wait()
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures, failures
        lost += journal.forget_since(killed_at - 1)
    service = Service(CONFIG % (tmp_path / "answers.db"))
    wait_for(lambda: httpx.get(service.url + "/admin/cache", headers=AS_ADMIN).json()["levels"][0]["healthy"], "the disk")
    checked += check(service, journal)
    service.stop()
    print(f"{ROUNDS} rounds, {checked} checks of kept answers, {lost} young enough to be lost")
    assert checked > 0
