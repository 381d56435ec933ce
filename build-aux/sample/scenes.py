# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand: skies, hills, seas, rooms and woods, and the light over them.

A scene paints what lies behind the thing and returns where the ground is and what to paint in
front of the thing afterwards.
"""

import math

import cairo

from paper import darker, lighter, mix, rgb

SKIES = {
    'day': (('#7fb7c9', '#f3e3c3'), ('#9cc9bd', '#f7ecd0'), ('#e9c8a7', '#f8efdc'),
            ('#86a9c9', '#f2d9c9'), ('#c9d8c0', '#faf1d8')),
    'dusk': (('#5b4a86', '#f2a07b'), ('#3f5f8a', '#f4b183'), ('#8b4f7d', '#f7c59f'),
             ('#c8553d', '#f9d39a')),
    'night': (('#141b3c', '#34508a'), ('#1d1a3f', '#5a4a8c'), ('#0f2438', '#2f6f7a')),
    'fog': (('#b9c3c4', '#e8e4d8'), ('#c9c2c9', '#ece3dc')),
}
LANDS = (('#a7b98a', '#3f6b58'), ('#d9b779', '#8a5a3c'), ('#9fbfa5', '#2f5d62'),
         ('#e3b59b', '#9b4f4b'), ('#b6a6c4', '#4f4672'), ('#c6c98f', '#66803f'))
WALLS = ('#e9d5b7', '#cfdcc6', '#e7bfa8', '#b7cdd3', '#d8c4d6', '#f0d58f', '#7d9a92', '#c4746a',
         '#41566b')
TABLES = ('#9a6a48', '#c98d5e', '#6d4c41', '#e3e0d3', '#4b7c7a', '#d2a679', '#7f5673')
GREENS = ('#4f7a5a', '#2f5d50', '#83a05c', '#6b8f71', '#3c6e57', '#a3ad5a')


def pick(rng, texts):
    return rgb(rng.choice(texts))


def sky(paper, mood):
    rng = paper.rng
    top, bottom = map(rgb, rng.choice(SKIES[mood]))
    paper.wash((*top, 1), (*bottom, 1), 0, rng.uniform(0.6, 1))
    if mood == 'night':
        for _ in range(rng.randint(12, 40)):
            paper.ellipse(rng.random(), rng.random() * 0.7, rng.uniform(0.002, 0.006))
            paper.flat(rgb('#fdf3cf'), rng.uniform(0.4, 1))
    if rng.random() < 0.65:
        sun(paper, mood, bottom)
    if rng.random() < 0.6 and mood != 'fog':
        for _ in range(rng.randint(1, 3)):
            tone = mix(bottom, (1, 1, 1), 0.55) if mood != 'night' else mix(top, bottom, 0.9)
            cloud(paper, rng.random(), rng.uniform(0.06, 0.4), rng.uniform(0.06, 0.13), tone)
    return bottom


def sun(paper, mood, horizon):
    rng = paper.rng
    x, y, radius = rng.uniform(0.12, 0.88), rng.uniform(0.1, 0.45), rng.uniform(0.05, 0.12)
    color = {'night': rgb('#f6efcf'), 'fog': rgb('#f4efe4')}.get(mood)
    color = color or pick(rng, ('#f6c65b', '#f7e2a0', '#ee8959', '#fff3d6'))
    for ring in (2.3, 1.6):
        paper.ellipse(x, y, radius * ring).flat(mix(color, horizon, 0.3), 0.16)
    paper.ellipse(x, y, radius).cut(color, 0.6, 0.05)
    if mood == 'night' and rng.random() < 0.5:
        for dx, dy, size in ((-0.3, -0.2, 0.2), (0.25, 0.3, 0.15), (0.1, -0.45, 0.1)):
            paper.ellipse(x + dx * radius, y + dy * radius, size * radius)
            paper.flat(darker(color, 0.15))


def cloud(paper, x, y, size, color):
    rng = paper.rng
    puffs = [(size * at, size * rng.uniform(0.4, 0.75) * (1 - 0.22 * abs(at)))
             for at in (-1.1, -0.45, 0.3, 1.0)]
    outline = []
    for i in range(41):
        along = size * 1.7 * (i / 20 - 1)
        tops = [math.sqrt(max(radius ** 2 - (along - at) ** 2, 0)) for at, radius in puffs]
        outline.append((x + along, y + size * 0.3 - max(tops)))
    paper.rounded(x - size * 1.7, y + size * 0.2, size * 3.4, size * 0.2, size * 0.1)
    paper.cut(color, 0.9, 0.05)
    paper.polygon(outline).cut(color, 0, 0.05)


def ridge(paper, y, height, color, waves=None):
    """One sheet with a rolling upper edge that reaches to the bottom."""
    rng = paper.rng
    waves = waves or rng.uniform(0.6, 2.2)
    phase, second = rng.uniform(0, 6.3), rng.uniform(0, 6.3)
    points = []
    for i in range(25):
        x = -0.05 + 1.1 * i / 24
        swing = math.sin(phase + x * waves * 6.3) + 0.35 * math.sin(second + x * waves * 15)
        points.append((x, y + height * swing * 0.5))
    paper.smooth(points, closed=False)
    paper.ctx.line_to(1.05, 1.1)
    paper.ctx.line_to(-0.05, 1.1)
    paper.ctx.close_path()
    paper.cut(color, 1.2, 0.06)
    return points


def tree(paper, x, y, size, color):
    rng = paper.rng
    paper.line(darker(color, 0.5), size * 0.08, (x, y), (x, y - size * 0.5))
    if rng.random() < 0.5:
        paper.polygon([(x, y - size), (x + size * 0.28, y - size * 0.2),
                       (x - size * 0.28, y - size * 0.2)]).cut(color, 0.4)
    else:
        paper.ellipse(x, y - size * 0.62, size * 0.25, size * 0.36).cut(color, 0.4)


def hills(paper, mood):
    rng = paper.rng
    horizon = sky(paper, mood)
    far, near = map(rgb, rng.choice(LANDS))
    if mood == 'night':
        far, near = mix(far, rgb('#24345f'), 0.65), mix(near, rgb('#141d3d'), 0.6)
    layers, top = rng.randint(2, 4), rng.uniform(0.45, 0.66)
    for i in range(layers):
        share = i / (layers - 1)
        color = mix(mix(far, horizon, 0.45 * (1 - share)), near, share)
        points = ridge(paper, top + (0.84 - top) * share, rng.uniform(0.05, 0.16) * (1.2 - share),
                       color)
        if i < layers - 1:
            for x, y in rng.sample(points[2:-2], rng.randint(0, 4)):
                tree(paper, x, y + 0.02, rng.uniform(0.06, 0.13), darker(color, 0.22))
    return 0.92, lambda: grass(paper, near)


def grass(paper, color):
    rng = paper.rng
    if rng.random() < 0.45:
        return
    for _ in range(rng.randint(6, 22)):
        x, height = rng.random(), rng.uniform(0.04, 0.14)
        lean = rng.uniform(-0.04, 0.04)
        paper.smooth([(x - 0.009, 1.01), (x + lean * 0.5, 1 - height * 0.6), (x + lean, 1 - height),
                      (x + lean * 0.5 + 0.012, 1 - height * 0.5), (x + 0.012, 1.01)])
        paper.cut(mix(color, pick(rng, GREENS), rng.random() * 0.7), 0.35)


def sea(paper, mood):
    rng = paper.rng
    horizon = sky(paper, mood)
    deep = pick(rng, ('#2f6f7e', '#33638a', '#3d8a83', '#2c5c73', '#54789c'))
    if mood == 'night':
        deep = mix(deep, rgb('#101c3a'), 0.6)
    if rng.random() < 0.5:
        ridge(paper, 0.58, 0.09, mix(horizon, rgb('#5d6b78'), 0.45))
    for i in range(3):
        ridge(paper, 0.64 + 0.08 * i, 0.018, mix(mix(deep, horizon, 0.55), deep, i / 2),
              rng.uniform(2.5, 4))

    def waves():
        for i in range(rng.randint(1, 3)):
            ridge(paper, 0.86 + 0.06 * i, 0.026, darker(deep, 0.12 * i), rng.uniform(2.5, 4))

    return 0.89, waves


def underwater(paper, mood):
    rng = paper.rng
    top = pick(rng, ('#7cc0bd', '#6aa9c4', '#98cbb0', '#5f8fb8'))
    bottom = mix(top, rgb('#123a55'), 0.85 if mood == 'night' else 0.6)
    paper.wash((*lighter(top, 0.3), 1), (*bottom, 1))
    for i in range(3):
        ridge(paper, 0.66 + 0.11 * i, 0.12, mix(bottom, rgb('#d8b98a'), 0.15 + 0.22 * i))
    for _ in range(rng.randint(2, 6)):
        weed(paper, rng.random(), rng.uniform(0.16, 0.42))

    def bubbles():
        for _ in range(rng.randint(2, 9)):
            x, y, radius = rng.random(), rng.random() * 0.8, rng.uniform(0.006, 0.02)
            paper.ellipse(x, y, radius).flat((1, 1, 1), 0.35)
        if rng.random() < 0.5:
            weed(paper, rng.uniform(0, 1), rng.uniform(0.25, 0.5))

    return 0.9, bubbles


def weed(paper, x, height):
    rng = paper.rng
    color = pick(rng, GREENS + ('#b5563f', '#c9766a'))
    sway = rng.uniform(0.01, 0.035)
    right = [(x + sway * math.sin(i * 1.4) + 0.022 * (1 - i / 7), 1.02 - height * i / 6)
             for i in range(7)]
    left = [(px - 0.044 * (1 - i / 7), py) for i, (px, py) in enumerate(right)]
    paper.smooth(right + left[::-1]).cut(color, 0.7)


def room(paper, mood):
    rng = paper.rng
    wall, table = pick(rng, WALLS), pick(rng, TABLES)
    if mood == 'night':
        wall, table = darker(wall, 0.3), darker(table, 0.25)
    paper.wash((*lighter(wall, 0.15), 1), (*darker(wall, 0.1), 1))
    wallpaper(paper, mix(wall, rng.choice(((1, 1, 0.95), darker(wall, 0.4))), 0.35))
    if rng.random() < 0.4:
        window(paper, mood, lighter(wall, 0.55))
    y = rng.uniform(0.62, 0.8)
    paper.polygon([(-0.1, y), (1.1, y + rng.uniform(-0.03, 0.03)), (1.1, 1.1), (-0.1, 1.1)])
    paper.cut(table, 1.4)
    if rng.random() < 0.4:
        paper.ellipse(rng.uniform(0.35, 0.65), y + 0.17, rng.uniform(0.3, 0.5), 0.12)
        paper.cut(pick(rng, WALLS), 0.6)
    return rng.uniform(y + 0.06, 0.92), lambda: None


def wallpaper(paper, color):
    rng = paper.rng
    kind, step = rng.choice(('plain', 'stripes', 'dots', 'dashes')), rng.uniform(0.07, 0.14)
    count = int(1 / step) + 2
    for i in range(count if kind != 'plain' else 0):
        x = i * step
        if kind == 'stripes':
            paper.polygon([(x, 0), (x + step / 2, 0), (x + step / 2, 1), (x, 1)]).flat(color, 0.5)
        for j in range(count if kind in ('dots', 'dashes') else 0):
            at = x + (step / 2 if j % 2 else 0), j * step
            if kind == 'dots':
                paper.ellipse(*at, step * 0.13).flat(color, 0.7)
            else:
                paper.line(color, step * 0.08, at, (at[0] + step * 0.2, at[1] - step * 0.25))


def window(paper, mood, frame):
    rng = paper.rng
    x, y, width, height = rng.uniform(-0.1, 0.6), rng.uniform(-0.1, 0.1), 0.45, 0.48
    top, bottom = map(rgb, rng.choice(SKIES[mood]))
    paper.rounded(x, y, width, height, 0.02).cut(frame, 1)
    paper.rounded(x + 0.03, y + 0.03, width - 0.06, height - 0.06, 0.01)
    paper.cut(mix(top, bottom, 0.5), 0, 0.25)
    middle = x + width / 2
    paper.line(frame, 0.02, (middle, y + 0.02), (middle, y + height - 0.02))
    paper.line(frame, 0.02, (x + 0.02, y + height / 2), (x + width - 0.02, y + height / 2))


def wood(paper, mood):
    rng = paper.rng
    light = mix(pick(rng, ('#dfe3c0', '#f3dfb0', '#c9dbcf', '#e8c9a4')),
                rgb('#2a4668'), 0.7 if mood == 'night' else 0)
    dark = mix(pick(rng, ('#2f5046', '#4a4f36', '#5b4438', '#2c4a5a')), light, 0.1)
    paper.wash((*mix(light, dark, 0.25), 1), (*light, 1))
    for layer in range(3):
        color = mix(light, dark, 0.25 + 0.25 * layer)
        for _ in range(rng.randint(2, 4)):
            x, width = rng.random(), rng.uniform(0.02, 0.045) * (1 + layer * 0.6)
            paper.polygon([(x, -0.1), (x + width, -0.1), (x + width * 1.25, 1), (x - width / 4, 1)])
            paper.cut(color, 0.8)
        ridge(paper, 0.72 + 0.07 * layer, 0.05, mix(color, pick(rng, GREENS), 0.35))
    return 0.92, lambda: grass(paper, dark)


def desert(paper, mood):
    rng = paper.rng
    horizon = sky(paper, mood)
    sand = pick(rng, ('#dba06a', '#e4b888', '#cf8460', '#d9a68f'))
    if mood == 'night':
        sand = mix(sand, rgb('#1d2650'), 0.6)
    if rng.random() < 0.6:
        x, y = rng.uniform(0, 0.7), 0.62
        paper.polygon([(x - 0.1, 0.8), (x, y - 0.1), (x + 0.04, y - 0.12), (x + 0.24, y - 0.12),
                       (x + 0.29, y - 0.08), (x + 0.4, 0.8)])
        paper.cut(mix(sand, horizon, 0.4), 0.8)
    for i in range(3):
        ridge(paper, 0.66 + 0.1 * i, 0.07, darker(mix(sand, horizon, 0.3 - 0.15 * i), 0.05 * i))
    return 0.91, lambda: None


def plain(paper, mood):
    """A sheet with scattered snippets."""
    rng = paper.rng
    base = pick(rng, WALLS)
    if mood == 'night':
        base = darker(base, 0.45)
    paper.wash((*lighter(base, 0.12), 1), (*darker(base, 0.06), 1))
    for _ in range(rng.randint(0, 16)):
        x, y, size = rng.random(), rng.random(), rng.uniform(0.015, 0.06)
        color = mix(base, pick(rng, WALLS + TABLES), 0.55)
        if rng.random() < 0.5:
            paper.ellipse(x, y, size).cut(color, 0.5)
        else:
            turn = rng.uniform(0, 6)
            paper.polygon([(x + size * math.cos(turn + k), y + size * math.sin(turn + k))
                           for k in (0, 2, 4)]).cut(color, 0.5)
    return 0.86, lambda: None


SCENES = {'hills': hills, 'sea': sea, 'underwater': underwater, 'room': room, 'wood': wood,
          'desert': desert, 'plain': plain}


# In front of the thing

def leaves(paper):
    """A twig that hangs into the picture from one side."""
    rng = paper.rng
    color = pick(rng, GREENS + ('#b8693d', '#d59a4a'))
    right = rng.random() < 0.5
    with paper.placed(float(right), rng.uniform(0.1, 1), 1, rng.uniform(-0.6, 0.6), right):
        reach = rng.uniform(0.25, 0.55)
        paper.smooth([(-0.1, 0), (reach * 0.5, -0.03), (reach, 0.03)], closed=False)
        paper.strip(darker(color, 0.4), 0.012)
        for i in range(6):
            x, side = reach * (i + 1) / 6, 1 if i % 2 else -1
            paper.ellipse(x, side * 0.055, 0.065, 0.028, side * 0.9)
            paper.cut(mix(color, pick(rng, GREENS), rng.random() * 0.3), 0.9)


def underwater_leaves(paper):
    for _ in range(paper.rng.randint(1, 3)):
        weed(paper, paper.rng.random(), paper.rng.uniform(0.3, 0.7))


def fence(paper):
    rng = paper.rng
    color, height = pick(rng, ('#f2ead8', '#8a5a3c', '#6f8f8a', '#d9b779')), rng.uniform(0.12, 0.26)
    paper.polygon([(-0.1, 1 - height * 0.6), (1.1, 1 - height * 0.6), (1.1, 1 - height * 0.42),
                   (-0.1, 1 - height * 0.42)]).cut(darker(color, 0.12), 0.8)
    step, x = rng.uniform(0.12, 0.19), rng.uniform(-0.1, 0)
    while x < 1:
        paper.polygon([(x, 1.05), (x, 1 - height), (x + 0.03, 1 - height - 0.035),
                       (x + 0.06, 1 - height), (x + 0.06, 1.05)]).cut(color, 0.8)
        x += step


def drifting_cloud(paper):
    rng = paper.rng
    cloud(paper, rng.uniform(0, 1), rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.2),
          pick(rng, ('#f4efe3', '#dfe6e4', '#f3d9c6')))


def rain(paper):
    rng = paper.rng
    for _ in range(rng.randint(25, 70)):
        x, y, length = rng.random(), rng.random(), rng.uniform(0.02, 0.06)
        paper.color((0.9, 0.95, 1.0), 0.5)
        paper.ctx.set_line_width(0.005)
        paper.ctx.move_to(x, y)
        paper.ctx.line_to(x - length * 0.3, y + length)
        paper.ctx.stroke()


def snow(paper):
    rng = paper.rng
    for _ in range(rng.randint(30, 90)):
        paper.ellipse(rng.random(), rng.random(), rng.uniform(0.003, 0.011)).flat((1, 1, 1), 0.85)


OUTDOORS = (leaves, leaves, fence, drifting_cloud, rain, snow)
IN_FRONT = {'hills': OUTDOORS, 'wood': (leaves, leaves, rain, snow), 'desert': (fence, leaves),
            'sea': (drifting_cloud, rain, snow), 'room': (leaves,), 'plain': (leaves,),
            'underwater': (underwater_leaves,)}


# Light over everything

def light(paper, mood, x, y):
    """Grades the whole picture; the thing is at x, y."""
    rng = paper.rng
    if mood == 'dusk':
        strength = rng.uniform(0.15, 0.55)
        paper.wash((*rgb('#7d5a94'), strength), (*rgb('#f3a46d'), strength), 0, 1,
                   cairo.OPERATOR_MULTIPLY)
        paper.glow(rng.choice((0.1, 0.9)), 0.5, 0.9, rgb('#ff9d57'), 0.35)
    elif mood == 'night':
        strength = rng.uniform(0.35, 0.72)
        paper.wash((*rgb('#3f4f9a'), strength), (*rgb('#5566a6'), strength), 0, 1,
                   cairo.OPERATOR_MULTIPLY)
        if rng.random() < 0.6:
            paper.glow(x + rng.uniform(-0.2, 0.2), y + rng.uniform(-0.2, 0.2),
                       rng.uniform(0.35, 0.7), rgb('#ffcf86'), rng.uniform(0.2, 0.5))
    elif mood == 'fog':
        thick = rng.uniform(0.25, 0.62)
        tone = pick(rng, ('#dfe3e0', '#e9dfd6', '#cfd8dd'))
        low = rng.random() < 0.5
        paper.wash((*tone, thick if low else thick * 0.4), (*tone, thick * 0.5 if low else thick))
    else:
        paper.glow(0.15 if paper.shadow_side > 0 else 0.85, 0, 1.1, rgb('#fff0c9'),
                   rng.uniform(0.05, 0.25))
    if rng.random() < 0.5:
        edge = cairo.RadialGradient(0.5, 0.5, 0.35, 0.5, 0.5, 0.85)
        edge.add_color_stop_rgba(0, *rgb('#2b1b33'), 0)
        edge.add_color_stop_rgba(1, *rgb('#2b1b33'), rng.uniform(0.1, 0.3))
        paper.cover(edge)
