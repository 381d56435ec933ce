# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that grow or crawl, drawn in a box from -0.5 to 0.5."""

import math

from paper import darker, lighter, mirrored, mix, rgb
from scenes import GREENS, pick

CREAM, INK = rgb('#f6ead0'), rgb('#2b2233')


def apple(paper):
    rng = paper.rng
    skin = pick(rng, ('#c8402f', '#d9583b', '#a93442', '#b9b545', '#8fa547', '#e3a83b', '#d4736a'))
    wide, waist = rng.uniform(0.9, 1.08), rng.uniform(-0.02, 0.04)
    outline = mirrored([(0, -0.25), (0.15, -0.33), (0.34, -0.25), (0.42 + waist, 0.0),
                        (0.33, 0.29), (0.15, 0.44), (0, 0.40)])
    paper.smooth([(0, -0.24), (0.03, -0.36), (rng.uniform(0.04, 0.14), -0.48)], closed=False)
    paper.strip(rgb('#5b4032'), 0.045, 0.5)
    paper.smooth([(x * wide, y) for x, y in outline]).cut(skin, 1, 0.16)
    paper.smooth([(x * wide, y) for x, y in outline])
    with paper.inside():
        blush = mix(skin, pick(rng, ('#e9b44c', '#d8403a', '#f0d58f')), 0.55)
        paper.ellipse(0.22, 0.12, 0.26, 0.36).flat(blush, 0.45)
        for _ in range(rng.randint(0, 26)):
            paper.ellipse(rng.uniform(-0.4, 0.4), rng.uniform(-0.2, 0.4), 0.008)
            paper.flat(lighter(skin, 0.5), 0.7)
        paper.ellipse(-0.2, -0.1, 0.05, 0.12, 0.35).flat(lighter(skin, 0.75), 0.6)
        paper.ellipse(0, -0.27, 0.13, 0.05).flat(darker(skin, 0.5), 0.6)
    if rng.random() < 0.7:
        paper.smooth([(0.04, -0.36), (0.16, -0.47), (0.33, -0.44), (0.2, -0.34)])
        paper.cut(pick(rng, GREENS), 0.8)
    if rng.random() < 0.22:
        apple_core(paper, wide)


def apple_core(paper, wide):
    """The apple cut in half."""
    half = mirrored([(0, -0.19), (0.13, -0.26), (0.29, -0.19), (0.35, 0.0), (0.27, 0.25),
                     (0.12, 0.37), (0, 0.34)])
    paper.smooth([(x * wide, y) for x, y in half]).cut(CREAM, 0, 0.06)
    for side in (-1, 1):
        paper.ellipse(side * 0.06, 0.08, 0.035, 0.075, side * 0.35).flat(rgb('#5b3626'))


def cactus(paper):
    rng = paper.rng
    skin = pick(rng, ('#4f7a5a', '#3f6f5c', '#6f9a5b', '#2f6a63', '#7c9a6a', '#5b8a7a'))
    potted = rng.random() < 0.45
    base = 0.22 if potted else 0.5
    kind = rng.choice((cactus_arms, cactus_arms, cactus_round, cactus_pads))
    kind(paper, skin, base)
    if potted:
        clay = pick(rng, ('#c9693f', '#b5573f', '#e3d3b5', '#4f7f8f', '#d99a5b', '#8a5a7a'))
        paper.polygon([(-0.22, 0.2), (0.22, 0.2), (0.16, 0.5), (-0.16, 0.5)]).cut(clay)
        paper.rounded(-0.25, 0.15, 0.5, 0.09, 0.02).cut(lighter(clay, 0.1), 0.7)


def spines(paper, color, points):
    for x, y in points:
        for side in (-1, 1):
            paper.line(color, 0.006, (x, y), (x + 0.02 * side, y - 0.022))


def blossom(paper, x, y, size):
    color = pick(paper.rng, ('#e2606b', '#f0a04b', '#f3cf5b', '#e58fb0', '#f6ead0'))
    for i in range(5):
        turn = i * 1.257 + 0.3
        paper.ellipse(x + size * 0.6 * math.cos(turn), y + size * 0.6 * math.sin(turn), size * 0.55)
        paper.cut(color, 0.3)
    paper.ellipse(x, y, size * 0.35).flat(rgb('#f4c95d'))


def cactus_arms(paper, skin, base):
    rng, top = paper.rng, -0.46
    for side in rng.choice(((-1,), (1,), (-1, 1), (-1, 1))):
        low = rng.uniform(-0.05, base - 0.14)
        tip = low - rng.uniform(0.18, 0.34)
        out = rng.uniform(0.24, 0.32) * side
        paper.smooth([(0, low), (out * 0.6, low), (out, low - 0.08), (out, tip)], closed=False)
        paper.strip(darker(skin, 0.08), 0.13, 1)
        paper.line(lighter(skin, 0.3), 0.008, (out, low - 0.08), (out, tip))
    width = rng.uniform(0.1, 0.135)
    paper.rounded(-width, top, width * 2, base - top + 0.02, width).cut(skin)
    for share in (-0.5, 0, 0.5):
        paper.line(lighter(skin, 0.3), 0.009, (width * share, top + 0.08), (width * share, base))
    rows = int((base - top) / 0.15)
    spines(paper, lighter(skin, 0.7), [(width * side, top + 0.14 + 0.13 * i)
                                       for i in range(rows) for side in (-0.7, 0.3)])
    if rng.random() < 0.5:
        blossom(paper, 0, top, 0.07)


def cactus_round(paper, skin, base):
    height = paper.rng.uniform(0.24, 0.34)
    middle = base - height + 0.03
    paper.ellipse(0, middle, 0.31, height).cut(skin, 1, 0.14)
    for share in (0.85, 0.5, 0.14):
        paper.ellipse(0, middle, 0.31 * share, height * 0.99)
        paper.strip(lighter(skin, 0.25), 0.012, 0)
    spines(paper, CREAM, [(s * 0.31 * math.cos(a), middle + height * math.sin(a))
                          for s in (-0.85, -0.5, -0.14, 0.14, 0.5, 0.85)
                          for a in (-0.9, -0.45, 0, 0.45, 0.9)])
    if paper.rng.random() < 0.7:
        blossom(paper, 0, middle - height, 0.08)


def cactus_pads(paper, skin, base):
    rng = paper.rng
    pads = [(0, base - 0.17, 0.16, 0.2, 0), (-0.17, base - 0.42, 0.12, 0.16, -0.5),
            (0.15, base - 0.44, 0.12, 0.17, 0.45), (0.02, base - 0.62, 0.09, 0.13, -0.1)]
    for x, y, rx, ry, turn in pads[:rng.randint(3, 4)][::-1]:
        paper.ellipse(x, y, rx, ry, turn).cut(mix(skin, lighter(skin, 0.2), rng.random()))
        spines(paper, CREAM, [(x + rx * dx, y + ry * dy) for dx, dy in
                              ((-0.4, -0.3), (0.3, -0.5), (0.1, 0.1), (-0.4, 0.4), (0.45, 0.35))])
        if rng.random() < 0.5:
            blossom(paper, x + math.sin(turn) * ry, y - math.cos(turn) * ry, 0.045)


def fish(paper):
    rng = paper.rng
    skin = pick(rng, ('#e0714a', '#e9a845', '#4d8f9f', '#c94f5b', '#7a6aa0', '#d98fa0', '#5f9f7a',
                      '#f0e2c0', '#35577a'))
    fin = mix(skin, pick(rng, ('#f4d58a', '#7f3f5a', '#2f5d62', '#f6ead0')), 0.55)
    tall = rng.uniform(0.16, 0.3)
    tail = rng.uniform(0.16, 0.25)
    paper.smooth([(0.2, 0), (0.34, -0.04), (0.5, -tail), (0.44, 0), (0.5, tail), (0.34, 0.04)])
    paper.cut(fin)
    paper.smooth([(-0.18, -tall * 0.8), (-0.02, -tall - 0.14), (0.2, -tall - 0.06), (0.18, -0.05)])
    paper.cut(fin, 0.8)
    if rng.random() < 0.6:
        paper.smooth([(-0.02, tall * 0.8), (0.08, tall + 0.12), (0.2, tall + 0.04), (0.17, 0.08)])
        paper.cut(fin, 0.8)
    body = [(-0.48, 0.01), (-0.34, -tall * 0.72), (-0.08, -tall), (0.18, -tall * 0.5), (0.31, 0),
            (0.18, tall * 0.55), (-0.08, tall), (-0.34, tall * 0.75)]
    paper.smooth(body).cut(skin, 1, 0.14)
    paper.smooth(body)
    with paper.inside():
        fish_pattern(paper, skin, fin, tall)
        paper.ellipse(-0.52, 0, 0.25, 0.4).flat(lighter(skin, 0.25), 0.8)
        paper.line(darker(skin, 0.3), 0.012, (-0.47, 0.07), (-0.39, 0.06))
    paper.smooth([(-0.1, 0.03), (0.06, 0.0), (0.1, 0.13)]).cut(fin, 0.7)
    paper.ellipse(-0.34, -0.05, 0.05).cut((1, 0.98, 0.93), 0.3, 0)
    paper.ellipse(-0.345, -0.05, 0.027).flat(INK)


def fish_pattern(paper, skin, fin, tall):
    rng = paper.rng
    kind = rng.choice(('scales', 'scales', 'stripes', 'spots', 'belly'))
    if kind == 'scales':
        for i in range(6):
            for j in range(-3, 4):
                x, y = -0.2 + i * 0.085, j * 0.1 + (0.05 if i % 2 else 0)
                paper.ellipse(x, y, 0.05, start=-1.57, end=1.57)
                paper.strip(mix(lighter(skin, 0.4), fin, 0.4), 0.012, 0)
    elif kind == 'stripes':
        for x in (-0.16, -0.01, 0.13, 0.25):
            paper.smooth([(x, -tall), (x + 0.03, 0), (x, tall)], closed=False)
            paper.strip(fin, 0.05, 0)
    elif kind == 'spots':
        for _ in range(16):
            paper.ellipse(rng.uniform(-0.25, 0.28), rng.uniform(-tall, tall),
                          rng.uniform(0.015, 0.04)).flat(fin, 0.9)
    else:
        paper.ellipse(-0.05, tall * 0.9, 0.45, tall * 0.75).flat(lighter(skin, 0.6), 0.9)


def mushroom(paper):
    rng = paper.rng
    cap = pick(rng, ('#c8402f', '#b5573f', '#d98b4a', '#8a5a4a', '#a8618a', '#e0b060', '#6a7f9a',
                     '#e7d3b0'))
    if rng.random() < 0.4:
        with paper.placed(rng.choice((-0.3, 0.3)), 0.32, 0.4, rng.uniform(-0.2, 0.2)):
            one_mushroom(paper, cap)
    one_mushroom(paper, cap)


def one_mushroom(paper, cap):
    rng = paper.rng
    stem = pick(rng, ('#f3e6cc', '#e9d8b8', '#f7f0e2', '#d8c7ae'))
    high, wide = rng.uniform(0.3, 0.5), rng.uniform(0.34, 0.46)
    rim, thin = rng.uniform(-0.08, 0.08), rng.uniform(0.06, 0.11)
    paper.smooth([(-thin, rim - 0.02), (thin, rim - 0.02), (thin * 1.05, 0.25), (thin * 1.6, 0.44),
                  (0, 0.5), (-thin * 1.6, 0.44), (-thin * 1.05, 0.25)]).cut(stem)
    if rng.random() < 0.5:
        paper.smooth([(-thin * 1.3, 0.17), (0, 0.13), (thin * 1.3, 0.17), (thin * 1.5, 0.24),
                      (0, 0.22), (-thin * 1.5, 0.24)]).cut(lighter(stem, 0.4), 0.4)
    paper.ellipse(0, rim, wide, 0.085).cut(darker(stem, 0.22), 0.5)
    for i in range(-4, 5):
        paper.line(darker(stem, 0.4), 0.008, (i * wide * 0.21, rim + 0.05 - abs(i) * 0.008),
                   (i * 0.02, rim))
    dome = mirrored([(0, rim - high), (wide * 0.55, rim - high * 0.82),
                     (wide * 0.95, rim - high * 0.3), (wide, rim + 0.02),
                     (wide * 0.6, rim - 0.01), (0, rim - 0.02)])
    paper.smooth(dome).cut(cap, 1, 0.15)
    paper.smooth(dome)
    with paper.inside():
        for _ in range(rng.choice((0, 7, 11, 11))):
            paper.ellipse(rng.uniform(-wide, wide), rim - rng.uniform(0.03, high),
                          rng.uniform(0.02, 0.06), rng.uniform(0.02, 0.045))
            paper.flat(mix(CREAM, cap, 0.1))
        paper.ellipse(-wide * 0.45, rim - high * 0.62, 0.1, 0.05, -0.6).flat((1, 1, 0.95), 0.25)


def owl(paper):
    rng = paper.rng
    coat = pick(rng, ('#8a6448', '#a9805a', '#6f6a7a', '#5a6f7a', '#b5754a', '#d9c7a9', '#4f4a5f'))
    belly = mix(lighter(coat, 0.6), CREAM, 0.5)
    for side in (-1, 1):
        paper.polygon([(side * 0.12, -0.36), (side * 0.27, -0.5), (side * 0.3, -0.24)])
        paper.cut(darker(coat, 0.15), 0.6)
    paper.smooth(mirrored([(0, -0.43), (0.2, -0.4), (0.31, -0.22), (0.33, 0.1), (0.24, 0.36),
                           (0, 0.44)])).cut(coat)
    paper.ellipse(0, 0.16, 0.2, 0.26).cut(belly, 0.4, 0.05)
    for row in range(4):
        for i in range(-2, 3):
            x, y = i * 0.08 + (0.04 if row % 2 else 0), 0.02 + row * 0.09
            if abs(x) < 0.17 - row * 0.018:
                paper.ellipse(x, y, 0.034, start=0.2, end=2.94)
                paper.strip(mix(coat, belly, 0.25), 0.014, 0)
    for side in (-1, 1):
        paper.smooth([(side * 0.27, -0.1), (side * 0.37, 0.1), (side * 0.3, 0.36),
                      (side * 0.17, 0.18)]).cut(darker(coat, 0.16), 0.8)
    owl_face(paper, coat, belly)
    if rng.random() < 0.6:
        paper.smooth([(-0.52, 0.46), (0, 0.42), (0.52, 0.45)], closed=False)
        paper.strip(rgb('#5f4638'), 0.055, 0.9)
    for x in (-0.13, -0.08, 0.08, 0.13):
        paper.line(rgb('#e0a040'), 0.035, (x, 0.4), (x, 0.45))


def owl_face(paper, coat, belly):
    rng = paper.rng
    iris = pick(rng, ('#f2b632', '#e8863a', '#f3d26a', '#8fb36a'))
    asleep = rng.random() < 0.15
    for side in (-1, 1):
        x = side * 0.135
        paper.ellipse(x, -0.2, 0.15, 0.145).cut(mix(belly, coat, 0.15), 0.5, 0.05)
        if asleep:
            paper.ellipse(x, -0.2, 0.075, start=0.3, end=2.84).strip(INK, 0.022, 0)
            continue
        paper.ellipse(x, -0.2, 0.09).flat(iris)
        paper.ellipse(x, -0.2, rng.uniform(0.045, 0.06)).flat(INK)
        paper.ellipse(x - 0.025, -0.225, 0.018).flat((1, 1, 1))
    paper.polygon([(-0.04, -0.15), (0.04, -0.15), (0, -0.05)]).cut(rgb('#e39a3b'), 0.5)


def snail(paper):
    rng = paper.rng
    shell = pick(rng, ('#c9773f', '#b04f4a', '#d9a441', '#7a6a9a', '#4f8a8a', '#5f7fa8',
                       '#d98f8f', '#8fa05a', '#e3c9a8', '#5a4a6a'))
    skin = pick(rng, ('#e3c9a0', '#c9b08a', '#b8a98f', '#d8b9a9', '#a9b08a'))
    for x, turn in ((-0.36, -0.35), (-0.42, -0.75)):
        tip = x + 0.2 * math.sin(turn), 0.12 - 0.28 * math.cos(turn)
        paper.line(skin, 0.028, (x + 0.02, 0.14), tip)
        paper.ellipse(*tip, 0.028).cut(darker(skin, 0.3), 0.3)
    paper.smooth([(-0.46, 0.12), (-0.36, 0.04), (-0.27, 0.14), (-0.2, 0.27), (0.1, 0.3),
                  (0.5, 0.4), (0.3, 0.44), (-0.3, 0.44), (-0.44, 0.36)]).cut(skin)
    paper.ellipse(-0.4, 0.16, 0.016).flat(INK)
    radius, x, y = rng.uniform(0.28, 0.35), 0.06, 0.06
    paper.ellipse(x, y, radius, radius * rng.uniform(0.92, 1)).cut(shell, 1, 0.14)
    turns, steps = rng.uniform(2.2, 3.2), 60
    spiral = [(x + radius * 0.9 * (1 - i / steps) * math.cos(0.5 + turns * 6.283 * i / steps),
               y + radius * 0.9 * (1 - i / steps) * math.sin(0.5 + turns * 6.283 * i / steps))
              for i in range(steps)]
    if rng.random() < 0.6:
        for i in range(14):
            turn = i * 0.449
            paper.line(mix(shell, CREAM, 0.35), 0.02,
                       (x + radius * 0.72 * math.cos(turn), y + radius * 0.72 * math.sin(turn)),
                       (x + radius * 0.93 * math.cos(turn), y + radius * 0.93 * math.sin(turn)))
    paper.smooth(spiral, closed=False).strip(mix(darker(shell, 0.45), shell, 0.2), 0.03, 0)
