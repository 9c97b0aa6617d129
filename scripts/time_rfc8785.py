"""Times the rfc8785 package on one document, for the proof benchmark.

    time_rfc8785.py FILE ROUNDS

Prints per round: nanoseconds of CPU time to parse and canonicalize the text, and to canonicalize what was
parsed before.
"""

import gc
import json
import sys
import time

import rfc8785


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    parsed = json.loads(text)
    rfc8785.dumps(parsed)
    for _ in range(int(sys.argv[2])):
        gc.collect()
        start = time.process_time_ns()
        rfc8785.dumps(json.loads(text))
        middle = time.process_time_ns()
        rfc8785.dumps(parsed)
        end = time.process_time_ns()
        print(middle - start, end - middle)


if __name__ == "__main__":
    main()
