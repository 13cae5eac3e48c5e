"""rope.py -- cosines and sines of rotary positions far out, in decimal arithmetic of 60 digits

    /usr/bin/python3 tests/vectors/rope.py >tests/vectors/rope.txt

From the definitions alone (Su 2021; linear: Chen 2023; NTK: base s^(d/(d-2)); dynamic: s is
factor * context / original - (factor - 1); YaRN: Peng 2023), nothing of it shared with llmc.h: powers are
exp(y ln x), pi is Machin's, and an angle is reduced by 2 pi exactly before its series is summed.
A line: kind base d factor original context position pair cosine sine, the last two times the kind's
strength. Factors are floats, written so that they are exact.
"""
from decimal import Decimal as D, ROUND_CEILING, ROUND_FLOOR, getcontext

getcontext().prec = 60


def arctan_of_inverse(n):
    term = total = D(1) / n
    k = 1
    while abs(term) > D(10) ** -62:
        term = -term / (n * n)
        k += 2
        total += term / k
    return total


PI = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


def sine_and_cosine(angle):
    x = angle % (2 * PI)
    sine, cosine, term, k = D(0), D(0), D(1), 0
    while abs(term) > D(10) ** -55 or k < 10:  # i^k x^k / k!
        if k % 2 == 0:
            cosine += term if k % 4 == 0 else -term
        else:
            sine += term if k % 4 == 1 else -term
        k += 1
        term = term * x / k
    return sine, cosine


def power(x, y):
    return (y * x.ln()).exp()


def frequency(kind, base, d, s, original, context, i):
    """Radians from one position to the next, and what cosine and sine are multiplied by."""
    strength = D(1)
    if kind == "dynamic":
        stretch = s * max(context, original) / original - (s - 1)
        base = base * power(stretch, D(d) / (d - 2))
    if kind == "ntk":
        base = base * power(s, D(d) / (d - 2))
    f = power(base, D(-2 * i) / d)
    if kind == "linear":
        f = f / s
    if kind == "yarn":
        def pair(turns):
            return d * (D(original) / (turns * 2 * PI)).ln() / (2 * base.ln())
        low = max(pair(32).to_integral_value(ROUND_FLOOR), D(0))
        high = min(pair(1).to_integral_value(ROUND_CEILING), D(d - 1))
        if low == high:
            high += D("0.001")
        ramp = min(max((i - low) / (high - low), D(0)), D(1))
        f = f / s * ramp + f * (1 - ramp)
        strength = D("0.1") * s.ln() + 1 if s > 1 else D(1)
    return f, strength


def main():
    d, original = 128, 4096
    positions = (100000, 1000000, 10000000, 99999, 9999991)
    cases = [("none", D(1)), ("linear", D("244.140625")), ("ntk", D("244.140625")), ("dynamic", D(3)),
             ("yarn", D("2441.40625"))]
    for kind, s in cases:
        for base in (10000, 500000, 1000000):
            for position in positions:
                for i in (0, 1, 2, 7, 23, 31, 40, 63):
                    f, strength = frequency(kind, D(base), d, s, original, 10000001, i)
                    sine, cosine = sine_and_cosine(f * position)
                    print(kind, base, d, s, original, 10000001, position, i,
                          "%.12f %.12f" % (cosine * strength, sine * strength))


main()
