"""Ed25519 (RFC 8032) for the examples: signing, and verifying by the rule of docs/proof.md (cofactored, ZIP 215).

In affine coordinates: slow, not safe against those who measure time, and short enough to read.
"""
import hashlib

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
        total = add(total, point) if n & 1 else total
        point, n = add(point, point), n >> 1
    return total


def decode(data):
    number = int.from_bytes(data, "little")
    y, sign = (number & (2**255 - 1)) % P, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    return ((P - x if x & 1 != sign else x) % P, y) if x * x % P == square else None


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signature_holds(key, message, signature):
    a, r, s = decode(key), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return multiply(8 * s, BASE) == add(multiply(8, r), multiply(8 * k, a))


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
