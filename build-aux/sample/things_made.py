# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that people make, drawn in a box from -0.5 to 0.5."""

import math

from paper import darker, lighter, mirrored, mix, rgb
from scenes import GREENS, pick

CREAM, INK = rgb('#f6ead0'), rgb('#2b2233')
BRIGHT = ('#c8402f', '#e0714a', '#e9a845', '#4d8f9f', '#2f5d7a', '#5f9f7a', '#a8618a', '#d98fa0',
          '#7a6aa0', '#35577a', '#b5573f')
WOODS = ('#8a5a3c', '#a9744a', '#6a4636', '#c08a5a')


def two_colors(rng):
    first = pick(rng, BRIGHT)
    second = rng.choice((CREAM, pick(rng, BRIGHT), lighter(first, 0.45)))
    return first, second


def balloon(paper):
    rng = paper.rng
    first, second = two_colors(rng)
    wide = rng.uniform(0.32, 0.38)
    envelope = mirrored([(0, -0.5), (wide * 0.6, -0.455), (wide, -0.2), (wide * 0.85, 0.0),
                         (wide * 0.45, 0.17), (0.075, 0.27), (0, 0.275)])
    for x in (-0.06, 0.06):
        paper.line(rgb('#6b5548'), 0.012, (x, 0.25), (x * 0.9, 0.4))
    paper.smooth(envelope).cut(first, 1, 0.12)
    paper.smooth(envelope)
    with paper.inside():
        balloon_pattern(paper, rng, first, second, wide)
        paper.ellipse(-wide * 0.5, -0.28, 0.05, 0.13, 0.3).flat((1, 1, 0.95), 0.2)
        paper.polygon([(-0.2, 0.2), (0.2, 0.2), (0.2, 0.3), (-0.2, 0.3)]).flat(darker(first, 0.25))
    basket = pick(rng, WOODS)
    paper.rounded(-0.085, 0.38, 0.17, 0.12, 0.02).cut(basket, 0.8)
    paper.line(lighter(basket, 0.35), 0.02, (-0.085, 0.39), (0.085, 0.39))


def balloon_pattern(paper, rng, first, second, wide):
    kind = rng.choice(('gores', 'gores', 'bands', 'zigzag', 'dots'))
    if kind == 'gores':
        for x, half in ((-0.78, 0.16), (-0.32, 0.2), (0.32, 0.2), (0.78, 0.16)):
            x, half = x * wide, half * wide
            paper.smooth([(x * 0.15, -0.52), (x + half, -0.18), (x * 0.2, 0.3), (x - half, -0.18)])
            paper.flat(second)
        paper.smooth([(0, -0.52), (wide * 0.13, -0.18), (0, 0.3), (-wide * 0.13, -0.18)])
        paper.flat(darker(first, 0.2), 0.6)
    elif kind == 'bands':
        for y in (-0.38, -0.2, -0.02):
            paper.smooth([(-0.5, y), (0, y + 0.05), (0.5, y)], closed=False).strip(second, 0.07, 0)
    elif kind == 'zigzag':
        for y in (-0.28, -0.06):
            paper.polygon([(-0.5 + i * 0.1, y + (0.06 if i % 2 else -0.06)) for i in range(11)],
                          closed=False).strip(second, 0.05, 0)
    else:
        for i in range(5):
            for j in range(7):
                paper.ellipse(-0.36 + i * 0.18 + (0.09 if j % 2 else 0), -0.45 + j * 0.12, 0.035)
                paper.flat(second)


def bicycle(paper):
    rng = paper.rng
    frame = pick(rng, BRIGHT + ('#3b3a4a', '#f0e2c0'))
    tyre = rng.choice((INK, rgb('#4a3b3b'), rgb('#6b5548'), frame))
    radius = rng.uniform(0.19, 0.225)
    back, front, y = (-0.28, 0.5 - radius), (0.28, 0.5 - radius), 0.5 - radius
    for x, _ in (back, front):
        for i in range(8):
            turn = i * math.pi / 8 + 0.2
            dx, dy = radius * math.cos(turn), radius * math.sin(turn)
            paper.line(rgb('#cfc8bd'), 0.006, (x - dx, y - dy), (x + dx, y + dy))
        paper.ellipse(x, y, radius).strip(tyre, 0.032, 0.8)
        paper.ellipse(x, y, 0.022).flat(darker(frame, 0.3))
    crank, seat, head = (-0.04, y), (-0.14, -0.06), (0.19, -0.08)
    for points in ((back, crank), (back, seat), (crank, seat), (crank, head), (head, front)):
        paper.polygon(points, closed=False).strip(frame, 0.032, 0.6)
    if rng.random() < 0.6:
        paper.polygon([seat, head], closed=False).strip(frame, 0.032, 0.6)
    paper.ellipse(*crank, 0.055).strip(darker(frame, 0.4), 0.02, 0)
    paper.line(INK, 0.026, (crank[0] - 0.03, crank[1] + 0.09), (crank[0] + 0.05, crank[1] + 0.09))
    paper.line(frame, 0.026, seat, (-0.16, -0.14))
    paper.smooth([(-0.27, -0.17), (-0.16, -0.17), (-0.07, -0.145), (-0.16, -0.125),
                  (-0.26, -0.12)]).cut(rng.choice((INK, rgb('#7a4a35'))), 0.6)
    bar = [(0.19, -0.08), (0.17, -0.2), (0.26, -0.23), (0.3, -0.17)]
    paper.smooth(bar[:rng.randint(3, 4)], closed=False).strip(darker(frame, 0.35), 0.028, 0.5)
    if rng.random() < 0.45:
        flower_basket(paper)


def flower_basket(paper):
    rng = paper.rng
    for i in range(6):
        paper.ellipse(0.25 + i * 0.035, -0.2 - rng.uniform(0, 0.09), 0.035)
        paper.cut(pick(rng, BRIGHT + GREENS), 0.3)
    paper.polygon([(0.23, -0.18), (0.46, -0.18), (0.42, -0.02), (0.27, -0.02)])
    paper.cut(rgb('#b98a58'), 0.7)


def lighthouse(paper):
    rng = paper.rng
    first, second = two_colors(rng)
    if rng.random() < 0.5:
        first, second = CREAM, first
    wide, narrow = rng.uniform(0.15, 0.2), rng.uniform(0.09, 0.12)
    top = -0.22
    if rng.random() < 0.35:
        for side in (-1, 1):
            paper.polygon([(0, -0.32), (side * 0.9, -0.5), (side * 0.9, -0.2)])
            paper.flat(rgb('#ffe9a8'), 0.4)
    tower = [(-narrow, top), (narrow, top), (wide, 0.46), (-wide, 0.46)]
    paper.polygon(tower).cut(first, 1, 0.14)
    paper.polygon(tower)
    with paper.inside():
        lighthouse_bands(paper, rng, second)
        paper.polygon([(wide * 0.35, -0.3), (0.3, -0.3), (0.3, 0.5), (wide * 0.5, 0.5)])
        paper.flat(INK, 0.14)
    for y in (-0.08, 0.12):
        paper.rounded(-0.025, y, 0.05, 0.075, 0.025).flat(rgb('#3c4757'))
    paper.rounded(-0.045, 0.32, 0.09, 0.16, 0.045).flat(darker(second, 0.4))
    metal = darker(rng.choice((first, second)), 0.45)
    paper.rounded(-narrow - 0.05, top - 0.015, narrow * 2 + 0.1, 0.04, 0.01).cut(metal, 0.7)
    lamp = rng.choice((rgb('#ffe28a'), rgb('#cfe0dd'), rgb('#fff1c4')))
    paper.rounded(-narrow * 0.7, top - 0.13, narrow * 1.4, 0.12, 0.01).cut(lamp, 0.4)
    for x in (-0.3, 0.3):
        paper.line(metal, 0.012, (x * narrow, top - 0.12), (x * narrow, top))
    roof = rng.choice((metal, pick(rng, BRIGHT)))
    if rng.random() < 0.5:
        paper.ellipse(0, top - 0.12, narrow * 0.95, 0.13, 0, math.pi, 2 * math.pi).cut(roof, 0.7)
    else:
        paper.polygon([(-narrow, top - 0.12), (0, top - 0.27), (narrow, top - 0.12)]).cut(roof, 0.7)
    paper.line(metal, 0.014, (0, top - 0.24), (0, top - 0.29))
    rock = pick(rng, ('#6f6a6f', '#8a7a6a', '#4f5a63', '#7f8a6a'))
    paper.smooth([(-0.36, 0.52), (-0.24, 0.43), (-0.05, 0.45), (0.1, 0.42), (0.27, 0.45),
                  (0.38, 0.52)]).cut(rock, 0.9)


def lighthouse_bands(paper, rng, color):
    kind = rng.choice(('bands', 'bands', 'spiral', 'plain'))
    step = rng.uniform(0.14, 0.2)
    for i in range(6 if kind != 'plain' else 0):
        y = -0.2 + i * step
        lean = 0.14 if kind == 'spiral' else 0.0
        paper.polygon([(-0.3, y + lean), (0.3, y - lean), (0.3, y - lean + step / 2),
                       (-0.3, y + lean + step / 2)]).flat(color)


def sailboat(paper):
    rng = paper.rng
    hull, sail = rng.choice((pick(rng, BRIGHT), pick(rng, WOODS), CREAM)), rng.choice(
        (CREAM, rgb('#fff8ea'), pick(rng, BRIGHT)))
    mast = rng.uniform(-0.06, 0.06)
    paper.line(rgb('#5f4638'), 0.024, (mast, 0.3), (mast, -0.48))
    belly = rng.uniform(0.02, 0.07)
    main = [(mast + 0.025, -0.45), (mast + 0.2 + belly, -0.08), (mast + 0.34, 0.2),
            (mast + 0.025, 0.22)]
    paper.ctx.new_path()
    paper.ctx.move_to(*main[0])
    paper.ctx.curve_to(mast + 0.12 + belly, -0.3, *main[1], *main[2])
    paper.ctx.line_to(*main[3])
    paper.ctx.close_path()
    path = paper.ctx.copy_path()
    paper.cut(sail, 1)
    paper.ctx.new_path()
    paper.ctx.append_path(path)
    with paper.inside():
        sail_pattern(paper, rng, sail, mast)
    if rng.random() < 0.75:
        paper.polygon([(mast - 0.03, -0.38), (mast - 0.03, 0.2), (-0.4, 0.2)])
        paper.cut(rng.choice((sail, darker(sail, 0.08), pick(rng, BRIGHT))), 1)
    if rng.random() < 0.5:
        paper.polygon([(mast, -0.49), (mast - 0.13, -0.455), (mast, -0.42)])
        paper.cut(pick(rng, BRIGHT), 0.5)
    paper.smooth([(-0.46, 0.27), (0, 0.3), (0.46, 0.25), (0.4, 0.38), (0.28, 0.47), (-0.28, 0.47),
                  (-0.39, 0.4)]).cut(hull)
    paper.smooth([(-0.43, 0.33), (0, 0.36), (0.43, 0.32)], closed=False)
    paper.strip(lighter(hull, 0.5), 0.022, 0)


def sail_pattern(paper, rng, sail, mast):
    color = mix(sail, pick(rng, BRIGHT), 0.75)
    kind = rng.choice(('plain', 'seams', 'stripes', 'sun'))
    if kind == 'seams':
        for y in (-0.25, -0.1, 0.05):
            paper.line(darker(sail, 0.2), 0.01, (mast, y), (0.5, y + 0.08))
    elif kind == 'stripes':
        for y in (-0.3, -0.12, 0.06):
            paper.line(color, 0.07, (mast - 0.1, y), (0.6, y))
    elif kind == 'sun':
        paper.ellipse(mast + 0.12, 0.03, 0.07).flat(color)


def teapot(paper):
    rng = paper.rng
    glaze, second = two_colors(rng)
    if rng.random() < 0.3:
        glaze, second = lighter(glaze, 0.75), glaze
    tall, wide = rng.uniform(0.24, 0.3), rng.uniform(0.27, 0.32)
    y = 0.46 - tall
    handle = [(-wide * 0.8, y - 0.14), (-wide - 0.13, y - 0.16), (-wide - 0.17, y + 0.02),
              (-wide * 0.85, y + 0.14)]
    paper.smooth(handle, closed=False).strip(darker(glaze, 0.12), 0.055, 0.9)
    paper.smooth([(wide * 0.7, y + 0.14), (wide + 0.04, y + 0.08), (wide + 0.1, y - 0.12),
                  (wide + 0.19, y - 0.2), (wide + 0.11, y - 0.21), (wide + 0.01, y - 0.14),
                  (wide * 0.6, y - 0.06)]).cut(darker(glaze, 0.06))
    paper.rounded(-wide * 0.55, 0.42, wide * 1.1, 0.07, 0.02).cut(darker(glaze, 0.2), 0.6)
    body = mirrored([(0, y - tall), (wide * 0.7, y - tall * 0.78), (wide, y),
                     (wide * 0.72, y + tall * 0.85), (0, y + tall)])
    paper.smooth(body).cut(glaze, 1, 0.14)
    paper.smooth(body)
    with paper.inside():
        teapot_pattern(paper, rng, second, y)
        paper.ellipse(-wide * 0.5, y - tall * 0.35, 0.035, 0.09, 0.4).flat((1, 1, 0.97), 0.45)
    paper.ellipse(0, y - tall * 0.86, wide * 0.62, 0.055).cut(darker(glaze, 0.1), 0.5)
    paper.ellipse(0, y - tall * 0.88, wide * 0.52, 0.1, 0, math.pi, 2 * math.pi)
    paper.cut(rng.choice((glaze, second)), 0.6)
    paper.ellipse(0, y - tall * 0.88 - 0.115, 0.042).cut(darker(second, 0.1), 0.6)
    if rng.random() < 0.4:
        steam(paper, wide + 0.17, y - 0.24)


def teapot_pattern(paper, rng, color, y):
    kind = rng.choice(('plain', 'band', 'dots', 'flowers', 'waves'))
    if kind == 'band':
        paper.smooth([(-0.4, y), (0, y + 0.05), (0.4, y)], closed=False).strip(color, 0.1, 0)
    elif kind == 'waves':
        for dy in (-0.06, 0.06):
            paper.smooth([(-0.4 + i * 0.08, y + dy + (0.025 if i % 2 else -0.025))
                          for i in range(11)], closed=False).strip(color, 0.025, 0)
    for i in range(5 if kind in ('dots', 'flowers') else 0):
        for j in range(4):
            x, at = -0.28 + i * 0.14 + (0.07 if j % 2 else 0), y - 0.18 + j * 0.12
            paper.ellipse(x, at, 0.024).flat(color)
            for k in range(5 if kind == 'flowers' and (i + j) % 2 else 0):
                paper.ellipse(x + 0.032 * math.cos(k * 1.257), at + 0.032 * math.sin(k * 1.257),
                              0.02).flat(color, 0.8)


def steam(paper, x, y):
    for dx in (0, 0.06):
        paper.smooth([(x + dx, y), (x + dx + 0.03, y - 0.07), (x + dx - 0.02, y - 0.14),
                      (x + dx + 0.01, y - 0.2)], closed=False)
        paper.color((1, 1, 1), 0.55)
        paper.ctx.set_line_width(0.024)
        paper.ctx.stroke()


def umbrella(paper):
    rng = paper.rng
    first, second = two_colors(rng)
    high, wide = rng.uniform(0.3, 0.42), rng.uniform(0.44, 0.5)
    rim, wood = -0.04, pick(rng, WOODS)
    paper.smooth([(0, rim - high), (0, 0.2), (0, 0.4), (0.05, 0.48), (0.12, 0.46), (0.14, 0.38)],
                 closed=False).strip(wood, 0.035, 0.8)
    paper.line(wood, 0.03, (0, rim - high - 0.05), (0, rim - high + 0.05))
    ctx = paper.ctx
    panels = rng.choice((4, 5, 6))
    edges = [-wide + 2 * wide * i / panels for i in range(panels + 1)]
    canopy(ctx, edges, rim, high, wide)
    path = ctx.copy_path()
    paper.cut(first, 1, 0.12)
    ctx.new_path()
    ctx.append_path(path)
    with paper.inside():
        if rng.random() < 0.65:
            for i in range(0, panels, 2):
                paper.smooth([(0, rim - high - 0.02), (edges[i] * 0.8, rim - high * 0.55),
                              (edges[i], rim + 0.05), (edges[i + 1], rim + 0.05),
                              (edges[i + 1] * 0.8, rim - high * 0.55)]).flat(second, 0.9)
        elif rng.random() < 0.6:
            for _ in range(16):
                paper.ellipse(rng.uniform(-wide, wide), rim - rng.uniform(0, high), 0.03)
                paper.flat(second)
        for x in edges[1:-1]:
            paper.smooth([(0, rim - high), (x * 0.8, rim - high * 0.55), (x, rim + 0.02)],
                         closed=False).strip(darker(first, 0.3), 0.01, 0)


def canopy(ctx, edges, rim, high, wide):
    ctx.new_path()
    ctx.move_to(-wide, rim)
    ctx.curve_to(-wide, rim - high * 0.75, -wide * 0.5, rim - high, 0, rim - high)
    ctx.curve_to(wide * 0.5, rim - high, wide, rim - high * 0.75, wide, rim)
    for right, left in zip(edges[:0:-1], edges[-2::-1]):
        ctx.curve_to(right - (right - left) * 0.3, rim - 0.055, left + (right - left) * 0.3,
                     rim - 0.055, left, rim)
    ctx.close_path()
