"""Compares our canonical JSON with the rfc8785 package over generated documents.

    python jcs_differential.py PATH_TO_jcs_lines [--values N] [--seed N]

Each document is spelled in a random way (order of keys, escapes, spaces, forms of a number), canonicalized by
both, and compared byte by byte. Exit status 0 when all agree, 1 with the first differences otherwise.
"""

import argparse
import json
import math
import random
import struct
import subprocess
import sys

import rfc8785

CHARACTERS = (
    [chr(c) for c in range(0x20)]
    + list('abcXYZ 019"\\/\x7f\x80éß€')
    + ["\ud7ff", "\ue000", "\ufb33", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff"]
)
LARGEST_INTEGER = 2**53 - 1


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = 0

    def space(self):
        return self.random.choice(["", "", "", " ", "\t", "  "])

    def string(self):
        r = self.random
        if r.random() < 0.5:
            text = "".join(r.choices("abcdefghijklmnop qrstuvwxyz", k=r.randrange(40)))
        else:
            text = "".join(r.choices(CHARACTERS, k=r.randrange(12)))
        return '"' + "".join(self.character(c) for c in text) + '"'

    def character(self, c):
        r = self.random
        short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        must = ord(c) < 0x20 or c in '"\\'
        if not must and r.random() < 0.8:
            return c
        if c in short and r.random() < 0.5:
            return short[c]
        if c == "/" and r.random() < 0.5:
            return "\\/"
        units = c.encode("utf-16-be")
        form = r.choice(["\\u%04x", "\\u%04X"])
        return "".join(form % int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))

    def number(self):
        r = self.random
        form = r.randrange(6)
        if form == 0:
            return str(r.randint(-1000, 1000))
        if form == 1:
            return str(r.randint(-LARGEST_INTEGER, LARGEST_INTEGER))
        if form == 2:
            digits = "".join(r.choices("0123456789", k=r.randint(1, 25)))
            return f"{r.choice(['', '-'])}{r.randrange(10)}.{digits}"
        if form == 3:
            digits = "".join(r.choices("0123456789", k=r.randint(1, 20)))
            return f"{r.choice(['', '-'])}{r.randrange(10)}.{digits}{r.choice('eE')}{r.choice(['', '+', '-'])}{r.randrange(300)}"
        if form == 4:
            return f"{r.randrange(1000)}e{r.randint(-30, 30)}"
        value = math.nan
        while not math.isfinite(value):
            value = struct.unpack(">d", r.randbytes(8))[0]
        spelled = repr(value)
        return spelled if "." in spelled or "e" in spelled else spelled + ".0"

    def value(self, depth):
        r = self.random
        self.values += 1
        form = r.random()
        if depth == 0 or form < 0.6:
            return r.choice([self.string, self.number, self.number, lambda: r.choice(["true", "false", "null"])])()
        items = r.choice([0, 1, 2, 3, 5, 8]) if depth < 4 else r.choice([1, 2, 3, 5])
        if form < 0.75:
            parts = [self.space() + self.value(depth - 1) + self.space() for _ in range(items)]
            return "[" + ",".join(parts) + "]"
        members = {}
        for _ in range(items):
            key = self.string()
            members[json.loads(key)] = f"{self.space()}{key}{self.space()}:{self.space()}{self.value(depth - 1)}"
        spelled = list(members.values())
        r.shuffle(spelled)
        return "{" + ",".join(spelled) + "}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool")
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")

    generator = Generator(arguments.seed)
    documents_in_all = 0
    differences = 0
    while generator.values < arguments.values and differences == 0:
        documents = []
        while len(documents) < 20_000 and generator.values < arguments.values:
            documents.append(generator.value(4))
        documents_in_all += len(documents)
        run = subprocess.run(
            [arguments.tool], input="\n".join(documents).encode() + b"\n", stdout=subprocess.PIPE, check=True
        )
        ours = run.stdout.split(b"\n")[:-1]
        assert len(ours) == len(documents), f"{len(ours)} answers to {len(documents)} documents"
        for document, answer in zip(documents, ours):
            expected = rfc8785.dumps(json.loads(document))
            if answer != expected:
                differences += 1
                print(f"input    {document!r}\nours     {answer!r}\nrfc8785  {expected!r}", file=sys.stderr)
                if differences == 5:
                    break
    print(f"{documents_in_all} documents, {generator.values} values, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
