#!/usr/bin/env python3
"""Checks a receipt with nothing but Python's own library: a second verifier beside `sovereign verify`.

    verify_receipt.py receipt.json [--key ed25519:…] [--answer FILE] [--query FILE]

Exit status 0: it holds; 1: it does not, and the reason is printed. The formats are those of docs/proof.md.
"""
import argparse
import hashlib
import json
import sys

# Ed25519 (RFC 8032, cofactored as in ZIP 215), in affine coordinates: slow, and short enough to read.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def multiply(n, point):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def decode(data):
    number = int.from_bytes(data, "little")
    y, sign = (number & (2**255 - 1)) % P, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 != sign else x) % P, y


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signature_holds(key, message, signature):
    a, r, s = decode(key), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return multiply(8 * s, BASE) == add(multiply(8, r), multiply(8 * k, a))


def digest(purpose, content):
    return hashlib.sha256(b"sovereign/" + purpose + b"/v1\0" + content).digest()


def canonical(value):  # receipts hold no fractions and only ASCII keys, so this is RFC 8785
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def salted(purpose, salt, text):
    return digest(purpose, len(salt).to_bytes(8, "big") + salt + len(text).to_bytes(8, "big") + text).hex()


def root_of(leaf, index, size, path):  # RFC 9162, 2.1.3.2
    node, last = index, size - 1
    for sibling in path:
        if node & 1 or node == last:
            leaf = hashlib.sha256(b"\1" + sibling + leaf).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\1" + leaf + sibling).digest()
        node, last = node >> 1, last >> 1
    return leaf if last == 0 and index < size else None


def check(receipt, trusted_key=None, answer=None, query=None):
    """The reason why the receipt does not hold, or None."""
    content, log, openings = receipt["content"], receipt["log"], receipt.get("openings", {})
    head, signature = log["head"], receipt["signature"]
    if content["version"] != 1:
        return "it is of a version that this program does not know"
    key = bytes.fromhex(content["issuer"].removeprefix("ed25519:"))
    if not signature_holds(key, digest(b"receipt", canonical(content)), bytes.fromhex(signature)):
        return "the signature does not hold"
    if trusted_key is not None and content["issuer"] != trusted_key:
        return "it was signed by %s, not by the key you trust" % content["issuer"]
    signed = (bytes.fromhex(head["log_id"]) + head["size"].to_bytes(8, "little")
              + head["timestamp_ms"].to_bytes(8, "little") + bytes.fromhex(head["root"]))
    if not signature_holds(key, digest(b"tree-head", signed), bytes.fromhex(head["signature"])):
        return "the head of the log is not signed by the receipt's signer"
    leaf = hashlib.sha256(b"\0" + canonical({"content": content, "signature": signature})).digest()
    path = [bytes.fromhex(sibling) for sibling in log["path"]]
    root = root_of(leaf, log["index"], head["size"], path)
    if log["index"] != content["sequence"] or root is None or root.hex() != head["root"]:
        return "the log's head does not contain this receipt"
    for name, text in (("answer", answer), ("query", query)):
        if text is None:
            continue
        if name + "_salt" not in openings:
            return "it carries no opening of the %s" % name
        if salted(name.encode(), bytes.fromhex(openings[name + "_salt"]), text) != content[name + "_digest"]:
            return "the %s is not the one that was signed" % name
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("receipt", type=argparse.FileType("rb"))
    parser.add_argument("--key", help="the signer you trust")
    parser.add_argument("--answer", type=argparse.FileType("rb"))
    parser.add_argument("--query", type=argparse.FileType("rb"))
    options = parser.parse_args()
    texts = {name: file and file.read() for name, file in (("answer", options.answer), ("query", options.query))}
    try:
        reason = check(json.load(options.receipt), options.key, **texts)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = "it is not a receipt (%s: %s)" % (type(error).__name__, error)
    print("The receipt holds." if reason is None else "The receipt does not hold: %s." % reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
