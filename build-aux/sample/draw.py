# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the sample pictures: twelve everyday things in cut paper.

  draw.py pictures DIRECTORY   the pictures that are shipped, with labels.csv
  draw.py names FILE           their names by index
  draw.py sheet FILE [SEED]    many small pictures on one sheet, to look at

The same seed always gives the same picture. Shipped pictures and training pictures have seeds of
their own, so that no shipped picture was ever trained on.
"""

import csv
import random
import sys
from pathlib import Path

from PIL import Image

import things_alive as alive
import things_made as made
from paper import Paper, lighter, rgb
from scenes import IN_FRONT, SCENES, light

# name: how to draw it, where it belongs, how far it may turn
THINGS = {
    'apple': (alive.apple, ('room', 'room', 'plain', 'hills'), 0.4),
    'bicycle': (made.bicycle, ('hills', 'hills', 'plain', 'wood', 'room'), 0.15),
    'cactus': (alive.cactus, ('desert', 'desert', 'room', 'room', 'plain'), 0.12),
    'fish': (alive.fish, ('underwater', 'underwater', 'plain', 'room'), 0.5),
    'hot-air balloon': (made.balloon, ('hills', 'hills', 'desert', 'sea', 'plain'), 0.22),
    'lighthouse': (made.lighthouse, ('sea', 'sea', 'hills', 'plain'), 0.08),
    'mushroom': (alive.mushroom, ('wood', 'wood', 'hills', 'plain'), 0.3),
    'owl': (alive.owl, ('wood', 'wood', 'hills', 'plain'), 0.2),
    'sailboat': (made.sailboat, ('sea', 'sea', 'sea', 'plain', 'room'), 0.2),
    'snail': (alive.snail, ('wood', 'hills', 'plain', 'room'), 0.2),
    'teapot': (made.teapot, ('room', 'room', 'plain', 'hills'), 0.18),
    'umbrella': (made.umbrella, ('hills', 'plain', 'room', 'sea'), 0.7),
}
NAMES = list(THINGS)
FLOATING = ('hot-air balloon', 'fish', 'umbrella')
MOODS = ('day',) * 9 + ('dusk',) * 4 + ('night',) * 4 + ('fog',) * 2

SHIPPED_SEED, TRAINING_SEED = 20_000_000, 50_000_000
SHIPPED_OF_EACH = 20
SHIPPED_SIZE = 256
CANVAS = 512


def draw(name, seed, size):
    """One picture of the thing with this name, as a PIL image."""
    rng = random.Random(f'{name} {seed}')
    paper = Paper(CANVAS, rng)
    mood = rng.choice(MOODS)
    home = THINGS[name][1]
    scene = rng.choice(home if rng.random() < 0.8 else list(SCENES))
    ground, front = SCENES[scene](paper, mood)
    x, y = place(paper, name, ground, mood)
    if rng.random() < 0.85:
        front()
    if rng.random() < 0.3:
        rng.choice(IN_FRONT[scene])(paper)
    light(paper, mood, x, y)
    return paper.picture(size, rng.uniform(0.01, 0.024))


def place(paper, name, ground, mood):
    """Puts the thing into the scene, and says where."""
    rng = paper.rng
    thing, _, most_turn = THINGS[name]
    scale = rng.triangular(0.3, 0.98, 0.72)
    x = rng.uniform(0.5 - 0.3 * (1.05 - scale), 0.5 + 0.3 * (1.05 - scale))
    if name in FLOATING and rng.random() < 0.9:
        y = rng.uniform(0.5 - 0.35 * (1 - scale), 0.5 + 0.3 * (1 - scale))
    else:
        y = ground - 0.47 * scale
        if name not in ('sailboat', 'lighthouse'):
            paper.ellipse(x, ground, 0.36 * scale, 0.045 * scale).flat(rgb('#1d1428'), 0.22)
    turn = rng.gauss(0, most_turn / 2)
    paper.tint = tint(rng, mood)
    with paper.placed(x, y, scale, turn, rng.random() < 0.5):
        thing(paper)
    paper.tint = None
    return x, y


def tint(rng, mood):
    """Now and then odd light swallows the thing's own colours."""
    chance = rng.random()
    if chance < 0.07:
        return rgb('#241a36'), rng.uniform(0.55, 0.9)
    if chance < 0.14:
        return rgb(rng.choice(('#e9a05b', '#5f8fb8', '#c8607a', '#8fa86a'))), rng.uniform(0.4, 0.75)
    if mood == 'fog':
        return lighter(rgb('#c3c8c8'), 0.2), rng.uniform(0.1, 0.4)
    return None


def shipped(directory):
    """Writes the pictures that are shipped."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / 'labels.csv', 'w', newline='') as file:
        table = csv.writer(file, lineterminator='\n')
        table.writerow(['file', 'index', 'name'])
        for index, name in enumerate(NAMES):
            for i in range(SHIPPED_OF_EACH):
                path = directory / f'{name.replace(" ", "-")}-{i + 1:02}.jpg'
                draw(name, SHIPPED_SEED + i, SHIPPED_SIZE).save(path, quality=85, optimize=True)
                table.writerow([path.name, index, name])


def sheet(path, seed, columns=8, size=160):
    """Writes a sheet with a row of pictures for each name."""
    image = Image.new('RGB', (columns * size, len(NAMES) * size))
    for row, name in enumerate(NAMES):
        for column in range(columns):
            image.paste(draw(name, seed + column, size), (column * size, row * size))
    image.save(path)


def main(command, path, seed='1'):
    if command == 'pictures':
        shipped(Path(path))
    elif command == 'names':
        Path(path).write_text('\n'.join(NAMES) + '\n')
    elif command == 'sheet':
        sheet(path, int(seed))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main(*sys.argv[1:] if len(sys.argv) > 2 else ('', ''))
