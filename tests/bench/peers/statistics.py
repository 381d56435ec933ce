# SPDX-License-Identifier: GPL-3.0-or-later

"""Intervals and tests."""

import math
import random


def wilson(count, total, z=1.959964):
    """The interval of a share, at 95 %."""
    if total == 0:
        return 0.0, 1.0
    share = count / total
    middle = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return (middle - half) / scale, (middle + half) / scale


def mcnemar(one, other):
    """The exact probability of as uneven a change between two lists of right and wrong."""
    gained = sum(1 for a, b in zip(one, other) if not a and b)
    lost = sum(1 for a, b in zip(one, other) if a and not b)
    n = gained + lost
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1)) / 2 ** n
    return min(1.0, 2 * tail)


def median(values):
    values = sorted(values)
    n = len(values)
    if n == 0:
        return math.nan
    return (values[(n - 1) // 2] + values[n // 2]) / 2


def bootstrap_median(values, rounds=1000, seed=1):
    """The interval of a median, at 95 %."""
    if not values:
        return math.nan, math.nan
    generator = random.Random(seed)
    medians = sorted(median(generator.choices(values, k=len(values))) for _ in range(rounds))
    return medians[int(0.025 * rounds)], medians[int(0.975 * rounds) - 1]
