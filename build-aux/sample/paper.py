# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut paper: a canvas on which every shape is a sheet that throws a soft shadow.

Lengths are shares of the picture's side, y grows downwards. Things are drawn in a box that reaches
from -0.5 to 0.5 and are then placed.
"""

import math
from contextlib import contextmanager

import cairo
import numpy as np
from PIL import Image, ImageEnhance

SHADOW = (0.13, 0.08, 0.20)


def rgb(text):
    """'#e07a5f' as three numbers from 0 to 1."""
    return tuple(int(text[i:i + 2], 16) / 255 for i in (1, 3, 5))


def mix(first, second, share):
    return tuple(a + (b - a) * share for a, b in zip(first, second))


def lighter(color, share):
    return mix(color, (1.0, 0.98, 0.92), share)


def darker(color, share):
    return mix(color, (0.10, 0.07, 0.20), share)


def mirrored(half):
    """A closed outline from its right half, given from the top down."""
    left = [(-x, y) for x, y in reversed(half) if x != 0]
    return list(half) + left


class Paper:
    def __init__(self, pixels, rng):
        self.pixels = pixels
        self.rng = rng
        self.surface = cairo.ImageSurface(cairo.FORMAT_RGB24, pixels, pixels)
        self.ctx = cairo.Context(self.surface)
        self.ctx.scale(pixels, pixels)
        self.ctx.set_line_cap(cairo.LINE_CAP_ROUND)
        self.ctx.set_line_join(cairo.LINE_JOIN_ROUND)
        self.shadow_side = rng.choice((-1.0, 1.0))
        self.tint = None

    # Outlines

    def smooth(self, points, closed=True):
        """A curve through all points."""
        ctx, n = self.ctx, len(points)

        def at(i):
            return points[i % n] if closed else points[min(max(i, 0), n - 1)]

        ctx.new_path()
        ctx.move_to(*points[0])
        for i in range(n if closed else n - 1):
            before, start, end, after = at(i - 1), at(i), at(i + 1), at(i + 2)
            ctx.curve_to(start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6,
                         end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6,
                         *end)
        if closed:
            ctx.close_path()
        return self

    def polygon(self, points, closed=True):
        self.ctx.new_path()
        for point in points:
            self.ctx.line_to(*point)
        if closed:
            self.ctx.close_path()
        return self

    def ellipse(self, x, y, rx, ry=None, turn=0.0, start=0.0, end=2 * math.pi):
        ctx = self.ctx
        ctx.new_path()
        ctx.save()
        ctx.translate(x, y)
        ctx.rotate(turn)
        ctx.scale(rx, rx if ry is None else ry)
        ctx.arc(0, 0, 1, start, end)
        ctx.restore()
        return self

    def rounded(self, x, y, width, height, radius):
        ctx = self.ctx
        radius = min(radius, width / 2, height / 2)
        ctx.new_path()
        left, right = x + radius, x + width - radius
        top, bottom = y + radius, y + height - radius
        for cx, cy, angle in ((right, top, -0.5), (right, bottom, 0.0), (left, bottom, 0.5),
                              (left, top, 1.0)):
            ctx.arc(cx, cy, radius, angle * math.pi, (angle + 0.5) * math.pi)
        ctx.close_path()
        return self

    # Paint

    def color(self, color, alpha=1.0):
        if self.tint:
            color = mix(color, *self.tint)
        self.ctx.set_source_rgba(*color, alpha)

    def _throw_shadow(self, lift, paint):
        ctx = self.ctx
        ctx.save()
        for step, share in ((3.4, 0.05), (2.2, 0.06), (1.2, 0.08), (0.4, 0.09)):
            offset = 0.006 * lift * self.pixels
            dx, dy = ctx.device_to_user_distance(self.shadow_side * offset, offset * 1.3)
            blur = ctx.device_to_user_distance(0.006 * step * lift * self.pixels, 0)
            ctx.save()
            ctx.translate(dx, dy)
            ctx.set_source_rgba(*SHADOW, share)
            paint(math.hypot(*blur))
            ctx.restore()
        ctx.restore()

    def cut(self, color, lift=1.0, shade=0.10):
        """Fills the outline as a sheet of its own."""
        ctx = self.ctx
        path = ctx.copy_path()

        def shadow(blur):
            ctx.new_path()
            ctx.append_path(path)
            ctx.set_line_width(blur)
            ctx.stroke_preserve()
            ctx.fill()

        if lift > 0:
            self._throw_shadow(lift, shadow)
        ctx.new_path()
        ctx.append_path(path)
        self._fill_shaded(color, shade)
        self._brush(path, color)
        return self

    def _fill_shaded(self, color, shade):
        ctx = self.ctx
        if self.tint:
            color = mix(color, *self.tint)
        left, top, right, bottom = ctx.path_extents()
        edge = right if self.shadow_side > 0 else left
        gradient = cairo.LinearGradient(left + right - edge, top, edge, bottom)
        gradient.add_color_stop_rgb(0, *lighter(color, shade))
        gradient.add_color_stop_rgb(0.45, *color)
        gradient.add_color_stop_rgb(1, *darker(color, shade))
        ctx.set_source(gradient)
        ctx.fill_preserve()

    def _brush(self, path, color):
        """A few broad gouache strokes inside, and a light upper edge of the sheet."""
        ctx, rng = self.ctx, self.rng
        left, top, right, bottom = ctx.path_extents()
        ctx.save()
        ctx.clip()
        if max(right - left, bottom - top) > 0.12:
            for _ in range(4):
                y = rng.uniform(top, bottom)
                ctx.set_line_width((bottom - top) * rng.uniform(0.06, 0.2))
                self.color(lighter(color, 0.5) if rng.random() < 0.5 else darker(color, 0.4), 0.07)
                ctx.move_to(left, y)
                ctx.line_to(right, y + (bottom - top) * rng.uniform(-0.2, 0.2))
                ctx.stroke()
        ctx.append_path(path)
        self.color(lighter(color, 0.6), 0.35)
        ctx.set_line_width(math.hypot(*ctx.device_to_user_distance(0.006 * self.pixels, 0)))
        ctx.stroke()
        ctx.restore()

    def strip(self, color, width, lift=0.7):
        """Strokes the outline as a narrow strip of paper."""
        ctx = self.ctx
        path = ctx.copy_path()

        def shadow(blur):
            ctx.new_path()
            ctx.append_path(path)
            ctx.set_line_width(width + blur)
            ctx.stroke()

        if lift > 0:
            self._throw_shadow(lift, shadow)
        ctx.new_path()
        ctx.append_path(path)
        self.color(color)
        ctx.set_line_width(width)
        ctx.stroke()
        return self

    def line(self, color, width, *points):
        self.ctx.new_path()
        for point in points:
            self.ctx.line_to(*point)
        return self.strip(color, width, 0)

    def flat(self, color, alpha=1.0):
        """Fills the outline as paint on the sheet below."""
        self.color(color, alpha)
        self.ctx.fill()
        return self

    def wash(self, top, bottom, from_y=0.0, to_y=1.0, operator=cairo.OPERATOR_OVER):
        """A gradient over everything; colours of four numbers."""
        gradient = cairo.LinearGradient(0, from_y, 0, to_y)
        gradient.add_color_stop_rgba(0, *top)
        gradient.add_color_stop_rgba(1, *bottom)
        self.cover(gradient, operator)

    def glow(self, x, y, radius, color, alpha, operator=cairo.OPERATOR_SCREEN):
        gradient = cairo.RadialGradient(x, y, 0, x, y, radius)
        gradient.add_color_stop_rgba(0, *color, alpha)
        gradient.add_color_stop_rgba(1, *color, 0)
        self.cover(gradient, operator)

    def cover(self, source, operator=cairo.OPERATOR_OVER):
        self.ctx.save()
        self.ctx.set_operator(operator)
        self.ctx.set_source(source)
        self.ctx.paint()
        self.ctx.restore()

    # Places

    @contextmanager
    def placed(self, x, y, scale=1.0, turn=0.0, flip=False):
        self.ctx.save()
        self.ctx.translate(x, y)
        self.ctx.rotate(turn)
        self.ctx.scale(-scale if flip else scale, scale)
        yield self
        self.ctx.restore()

    @contextmanager
    def inside(self):
        """What follows stays inside the outline."""
        self.ctx.save()
        self.ctx.clip()
        yield self
        self.ctx.restore()

    # The finished picture

    def picture(self, size, grain):
        """The picture as a PIL image with paper grain of the given strength."""
        self.surface.flush()
        pixels = np.ndarray((self.pixels, self.pixels, 4), np.uint8, self.surface.get_data())
        image = Image.fromarray(pixels[:, :, 2::-1].copy()).resize((size, size), Image.LANCZOS)
        image = ImageEnhance.Contrast(ImageEnhance.Color(image).enhance(1.18)).enhance(1.06)
        noise = np.random.default_rng(self.rng.getrandbits(32))
        fine = noise.normal(0, 1, (size, size))
        for side, strength in ((size // 3, 0.7), (size // 16, 0.5)):
            blots = Image.fromarray(noise.normal(0, strength, (side, side)).astype(np.float32))
            fine += np.asarray(blots.resize((size, size), Image.BICUBIC))
        grained = np.asarray(image, np.float32) * (1 + grain * fine)[:, :, None]
        return Image.fromarray(grained.clip(0, 255).astype(np.uint8))
