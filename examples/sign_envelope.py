#!/usr/bin/env python3
"""Puts a query into a signed envelope, with nothing but Python's own library.

    sign_envelope.py KEY_FILE SENDER query.json [--policy TEXT] [--scores 0.97] > query.env
    curl --data-binary @query.env -H 'Content-Type: application/vnd.sovereign.envelope' http://127.0.0.1:8080/v1/query

KEY_FILE is what `sovereign keys new` makes, without a passphrase. The form is that of docs/proof.md.
"""
import argparse
import os
import sys
import time

from ed25519 import public_key, sign
from verify_receipt import digest

UNMEASURED = 65535


def seal(seed, sender, payload, policy="", scores=None, now_ms=None, nonce=None):
    """The envelope of a query. `scores`: eight of 0 to 1, or None for unmeasured."""
    stated = [UNMEASURED if scores is None else int(score * 10000) for score in scores or [0] * 8]
    header = b"".join((
        b"sovenv1\n",
        len(payload).to_bytes(4, "little"),
        (1).to_bytes(2, "little"),  # a query
        bytes(2),
        sender.encode().ljust(32, b"\0"),
        public_key(seed),
        nonce or os.urandom(16),
        (int(time.time() * 1000) if now_ms is None else now_ms).to_bytes(8, "little"),
        digest(b"policy", policy.encode()),
        b"".join(score.to_bytes(2, "little") for score in stated)))
    return header + payload + sign(seed, digest(b"envelope", header + payload))


def read_seed(path):
    with open(path, "rb") as file:
        content = file.read()
    if len(content) != 152 or not content.startswith(b"sovereign-key-1\n"):
        sys.exit("%s is not a key file" % path)
    if content[48] != 0:
        sys.exit("%s is under a passphrase" % path)
    return content[104:136]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("key_file")
    parser.add_argument("sender")
    parser.add_argument("query", type=argparse.FileType("rb"))
    parser.add_argument("--policy", default="", help="text of the policy that is followed")
    parser.add_argument("--scores", type=float, help="the same for all eight dimensions")
    options = parser.parse_args()
    scores = None if options.scores is None else [options.scores] * 8
    sys.stdout.buffer.write(
        seal(read_seed(options.key_file), options.sender, options.query.read(), options.policy, scores))


if __name__ == "__main__":
    main()
