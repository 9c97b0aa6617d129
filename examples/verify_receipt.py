#!/usr/bin/env python3
"""Checks a receipt with nothing but Python's own library: a second verifier beside `sovereign verify`.

    verify_receipt.py receipt.json [--key ed25519:…] [--answer FILE] [--query FILE] [--model GGUF] [--previous RECEIPT]

Exit status 0: it holds; 1: it does not, and the reason is printed. The formats are those of docs/proof.md.
"""
import argparse
import hashlib
import json
import re
import sys

from ed25519 import signature_holds

# The canonical text of a receipt, as a regular expression: N a number, S a string, H32 so many bytes in hexadecimal.
FORM = (r'{"content":{"answer_digest":"H32","engine":S,"id":S,"issued_ms":N,"issuer":"ed25519:H32",'
        r'"model":{"digest":"H32","name":S},"previous":"H32","query_digest":"H32","received_ms":N,'
        r'"sampling":{("[a-z0-9_]{1,64}":S,?)*},"scores":{("(truthfulness|trustworthiness|justice|excellence|wisdom|'
        r'compassion|patience|gratitude)":([0-9]{1,4}|10000),?)*},"sequence":N,"version":1},'
        r'"log":{"head":{"log_id":"H16","root":"H32","signature":"H64","size":N,"timestamp_ms":N},"index":N,'
        r'"path":\[("H32",?)*\]},("openings":{("(answer|query)_salt":"H32",?)*},)?"signature":"H64"}')
FORM = re.sub("H([0-9]+)", lambda size: "[0-9a-f]{%d}" % (2 * int(size[1])), FORM)
FORM = re.compile(FORM.replace("N", "[0-9]{1,16}").replace("S", r'"([^"\\]|\\.)*"'))


def digest(purpose, content):
    return hashlib.sha256(b"sovereign/" + purpose + b"/v1\0" + content).digest()


def canonical(value):  # receipts hold no fractions and only ASCII keys, so this is RFC 8785
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def root_of(leaf, index, size, path):  # RFC 9162, 2.1.3, from the root down
    if size < 2 or not path:
        return leaf if (index, size, path) == (0, 1, []) else None
    half = 1 << (size - 1).bit_length() - 1
    left = index < half
    node = root_of(leaf, index if left else index - half, half if left else size - half, path[:-1])
    return node and hashlib.sha256(b"\1" + (node + path[-1] if left else path[-1] + node)).digest()


def require(holds, fault):
    if not holds:
        raise ValueError(fault)


def well_formed(receipt):
    require(FORM.fullmatch(canonical(receipt).decode()), "its members are not those of a receipt")
    return receipt


def read(text):
    """A receipt from JSON in which each key comes once and a number is digits alone."""
    def once(pairs):
        require(len(dict(pairs)) == len(pairs), "a key comes twice")
        return dict(pairs)

    def whole(digits):
        plain = digits.isdigit() and len(digits) < 17 and int(digits) < 2**53
        require(plain, "%s is not a whole number under 2^53 in plain digits" % digits[:40])
        return int(digits)
    numbers = {"parse_int": whole, "parse_float": whole, "parse_constant": whole}
    return well_formed(json.loads(text.decode(), object_pairs_hook=once, **numbers))


def check(receipt, key=None, answer=None, query=None, model=None, previous=None):
    """The reason why the receipt does not hold, or None. Texts are bytes, `model` is the SHA-256 of its file in
    hexadecimal, `previous` the receipt before."""
    for file in (receipt, receipt if previous is None else previous):
        well_formed(file)
    content, log, signature = receipt["content"], receipt["log"], receipt["signature"]
    head, issuer, before = log["head"], bytes.fromhex(content["issuer"][8:]), previous and previous["content"]
    signed = (bytes.fromhex(head["log_id"]) + head["size"].to_bytes(8, "little")
              + head["timestamp_ms"].to_bytes(8, "little") + bytes.fromhex(head["root"]))
    leaf = hashlib.sha256(b"\0" + canonical({"content": content, "signature": signature})).digest()
    root = root_of(leaf, log["index"], head["size"], [bytes.fromhex(sibling) for sibling in log["path"]])
    facts = [
        (signature_holds(issuer, digest(b"receipt", canonical(content)), bytes.fromhex(signature)),
         "the signature does not hold"),
        (key in (None, content["issuer"]), "it was signed by %s, not by the key you trust" % content["issuer"]),
        (signature_holds(issuer, digest(b"tree-head", signed), bytes.fromhex(head["signature"])),
         "the head of the log is not signed by the receipt's signer"),
        (log["index"] == content["sequence"] and root and root.hex() == head["root"],
         "the log's head does not contain this receipt")]
    for name, text in (("answer", answer), ("query", query)):
        salt = bytes.fromhex(receipt.get("openings", {}).get(name + "_salt", ""))
        sized = b"".join(len(part).to_bytes(8, "big") + part for part in (salt, text or b""))
        facts += [(text is None or salt, "it carries no opening of the %s" % name),
                  (text is None or digest(name.encode(), sized).hex() == content[name + "_digest"],
                   "the %s is not the one that was signed" % name)]
    facts += [
        (model in (None, content["model"]["digest"]), "another model answered"),
        (before is None or before["sequence"] + 1 == content["sequence"]
         and digest(b"receipt", canonical(before)).hex() == content["previous"],
         "it does not follow the receipt that you named")]
    return next((fault for holds, fault in facts if not holds), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("receipt", type=argparse.FileType("rb"))
    parser.add_argument("--key", help="the signer you trust")
    for name in ("answer", "query", "model", "previous"):
        parser.add_argument("--" + name, type=argparse.FileType("rb"))
    given = vars(parser.parse_args())
    has = {name: given[name].read() for name in ("answer", "query") if given[name]}
    try:
        if given["model"]:
            has["model"] = hashlib.file_digest(given["model"], "sha256").hexdigest()
        if given["previous"]:
            has["previous"] = read(given["previous"].read())
        reason = check(read(given["receipt"].read()), given["key"], **has)
    except (ValueError, RecursionError) as error:
        reason = "it is not a receipt (%s)" % ascii(str(error))
    print("The receipt holds." if reason is None else "The receipt does not hold: %s." % reason)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
