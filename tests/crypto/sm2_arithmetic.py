"""SM2 in plain Python integers, written from the text of GB/T 32918 alone: an oracle for tests, slow and of variable time on purpose."""

from __future__ import annotations

from standards.gbt32918_sm2 import GX, GY, A, N, P

Point = tuple[int, int] | None  # None is the point at infinity
G: Point = (GX, GY)


def add(first: Point, second: Point) -> Point:
    if first is None:
        return second
    if second is None:
        return first
    if first[0] == second[0]:
        if (first[1] + second[1]) % P == 0:
            return None
        slope = (3 * first[0] * first[0] + A) * pow(2 * first[1], -1, P) % P
    else:
        slope = (second[1] - first[1]) * pow(second[0] - first[0], -1, P) % P
    x = (slope * slope - first[0] - second[0]) % P
    return x, (slope * (first[0] - x) - first[1]) % P


def multiply(k: int, point: Point) -> Point:
    result: Point = None
    while k:
        if k & 1:
            result = add(result, point)
        point = add(point, point)
        k >>= 1
    return result


def sign_with_nonce(d: int, e: int, k: int) -> tuple[int, int]:
    point = multiply(k, G)
    assert point is not None
    r = (e + point[0]) % N
    return r, pow(1 + d, -1, N) * (k - r * d) % N


def verifies(public: Point, e: int, r: int, s: int) -> bool:
    if not (1 <= r < N and 1 <= s < N) or (r + s) % N == 0:
        return False
    point = add(multiply(s, G), multiply((r + s) % N, public))
    return point is not None and (e + point[0]) % N == r


def recover_from_repeated_nonce(first: tuple[int, int], second: tuple[int, int]) -> int:
    """d from two signatures with one nonce: s = (1+d)^-1 (k - rd), so d = (s2 - s1) / (s1 + r1 - s2 - r2)."""
    (r1, s1), (r2, s2) = first, second
    return (s2 - s1) * pow(s1 + r1 - s2 - r2, -1, N) % N
