# SPDX-License-Identifier: GPL-3.0-or-later

"""When two versions of a model gave the same answer.

One function for each kind of model: (outputs of the original, outputs of the other) of one sample.
They are simple on purpose, and the same for every tool:

    class        the same best class
    label        the same label
    count        the same rounded number
    probability  on the same side of a half
    segments     95 % of the points in the same class
    mask         what is above 0.3 overlaps by 90 %
    yolox, ...   the same boxes: 9 of 10 found again in both directions, of the same class, with an
                 overlap of a half
    picture      35 dB of peak signal to noise
    numbers      20 dB of signal to noise, every output
"""

import math

import numpy as np


def sqnr(original, other):
    """Decibels of signal to noise; None where there is no number to give."""
    signal = float(np.sum(np.square(original, dtype=np.float64)))
    noise = float(np.sum(np.square(original.astype(np.float64) - other)))
    if math.isnan(noise) or math.isinf(noise):
        return -99.0
    if noise == 0:
        return 99.0
    if signal == 0:
        return -99.0
    return min(99.0, max(-99.0, 10 * math.log10(signal / noise)))


def same_class(one, other):
    return int(np.argmax(one[0])) == int(np.argmax(other[0]))


def same_label(one, other):
    return bool(np.array_equal(one[0], other[0]))


def same_count(one, other):
    return bool(np.array_equal(np.rint(one[0]), np.rint(other[0])))


def same_probability(one, other):
    return bool(np.array_equal(one[0] > 0.5, other[0] > 0.5))


def same_segments(one, other):
    return float(np.mean(np.argmax(one[0], -1) == np.argmax(other[0], -1))) >= 0.95


def same_mask(one, other):
    a, b = one[0] > 0.3, other[0] > 0.3
    union = np.count_nonzero(a | b)
    return union == 0 or np.count_nonzero(a & b) / union >= 0.9


def same_picture(one, other):
    span = float(one[0].max() - one[0].min()) or 1.0
    error = float(np.mean(np.square(one[0].astype(np.float64) - other[0])))
    return error == 0 or (error > 0 and 10 * math.log10(span * span / error) >= 35)


def same_numbers(one, other):
    return all(sqnr(a, b) >= 20 for a, b in zip(one, other))


# Detectors


def overlap(box, boxes):
    left, top = np.maximum(box[:2], boxes[:, :2]).T
    right, bottom = np.minimum(box[2:4], boxes[:, 2:4]).T
    inner = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    area = (box[2] - box[0]) * (box[3] - box[1])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return inner / np.maximum(area + areas - inner, 1e-9)


def found(boxes, scores, classes, threshold):
    """Boxes above the threshold, without those that overlap a better one of the same class."""
    order = [i for i in np.argsort(-scores, kind="stable") if scores[i] > threshold]
    kept = []
    for i in order:
        rivals = [j for j in kept if classes[j] == classes[i]]
        if not rivals or overlap(boxes[i], boxes[rivals]).max() < 0.45:
            kept.append(i)
    return boxes[kept], classes[kept]


def corners(boxes):
    half = boxes[:, 2:4] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], 1)


def yolox_boxes(outputs, threshold):
    values = outputs[0][0]
    grid = []
    for stride in (8, 16, 32):
        side = 416 // stride
        y, x = np.mgrid[:side, :side]
        grid.append(np.stack([x.ravel(), y.ravel(), np.full(side * side, stride)], 1))
    grid = np.concatenate(grid)
    stride = grid[:, 2:3]
    with np.errstate(over="ignore"):
        sizes = np.exp(values[:, 2:4]) * stride
    boxes = corners(np.concatenate([(values[:, :2] + grid[:, :2]) * stride, sizes], 1))
    scores = values[:, 4] * values[:, 5:].max(1)
    return found(boxes, scores, values[:, 5:].argmax(1), threshold)


def fastestdet_boxes(outputs, threshold):
    values = outputs[0][0]
    scores = np.maximum(values[:, 4], 0) ** 0.6 * np.maximum(values[:, 5:].max(1), 0) ** 0.4
    return found(corners(values[:, :4]), scores, values[:, 5:].argmax(1), threshold)


def ultraface_boxes(outputs, threshold):
    scores = outputs[0][0][:, 1]
    return found(outputs[1][0], scores, np.zeros(len(scores), int), threshold)


def share_found(mine, theirs):
    """How many of @mine are among @theirs, and how many there are."""
    boxes, classes = mine
    others, other_classes = theirs
    count = 0
    for box, kind in zip(boxes, classes):
        rivals = others[other_classes == kind]
        count += len(rivals) > 0 and overlap(box, rivals).max() >= 0.5
    return count, len(boxes)


def same_boxes(decode, threshold=0.4):
    # What only just shows in one of the two need not show in the other.
    def same(one, other):
        for a, b in ((one, other), (other, one)):
            count, total = share_found(decode(a, threshold), decode(b, 0.75 * threshold))
            if count < math.ceil(0.9 * total):
                return False
        return True
    return same


SAME = {
    "class": same_class,
    "label": same_label,
    "count": same_count,
    "probability": same_probability,
    "segments": same_segments,
    "mask": same_mask,
    "picture": same_picture,
    "numbers": same_numbers,
    "yolox": same_boxes(yolox_boxes),
    "fastestdet": same_boxes(fastestdet_boxes),
    "ultraface": same_boxes(ultraface_boxes),
}
