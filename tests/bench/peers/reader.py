# SPDX-License-Identifier: GPL-3.0-or-later

"""Calibration samples for the peers, with nothing but numpy."""

import os

import numpy as np


def read(folder):
    feeds = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".npz"):
            with np.load(os.path.join(folder, name)) as file:
                feeds.append({key: file[key] for key in file.files})
    return feeds


class Reader:
    """What ONNX Runtime's tools and those derived from them call a data reader."""

    def __init__(self, feeds):
        self.feeds = feeds
        self.position = 0

    def get_next(self):
        if self.position == len(self.feeds):
            return None
        self.position += 1
        return self.feeds[self.position - 1]

    def rewind(self):
        self.position = 0

    def __len__(self):
        return len(self.feeds)

    def __iter__(self):
        return iter(self.feeds)
