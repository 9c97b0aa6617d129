#!/usr/bin/env python3
"""Puts a query into a signed envelope, with nothing but Python's own library.

    sign_envelope.py KEY_FILE SENDER query.json [--policy TEXT] [--scores 0.97] > query.env
    curl --data-binary @query.env -H 'Content-Type: application/vnd.sovereign.envelope' http://127.0.0.1:8080/v1/query

KEY_FILE is what `sovereign keys new` makes, without a passphrase. The form is that of docs/proof.md.
"""
import argparse
import hashlib
import os
import sys
import time

from verify_receipt import BASE, L, digest, multiply

UNMEASURED = 65535


def encode(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expand(seed):  # RFC 8032, 5.1.5
    hashed = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(hashed[:32], "little")
    return scalar & ((1 << 254) - 8) | (1 << 254), hashed[32:]


def public_key(seed):
    return encode(multiply(expand(seed)[0], BASE))


def sign(seed, message):
    scalar, prefix = expand(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    point = encode(multiply(r, BASE))
    k = int.from_bytes(hashlib.sha512(point + public_key(seed) + message).digest(), "little") % L
    return point + ((r + k * scalar) % L).to_bytes(32, "little")


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
