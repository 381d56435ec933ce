# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the sample classifier on drawn pictures and writes it as ONNX.

  train.py WORK_DIRECTORY MODEL.onnx

The training pictures are drawn once into the work directory. Everything starts from fixed seeds,
and one thread adds in one order.
"""

import math
import sys
import time
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from draw import NAMES, SHIPPED_SIZE, TRAINING_SEED, draw
from export import export

SIDE = 128
PICTURES_OF_EACH = 400
EPOCHS = 16
BATCH = 48
PEAK_RATE = 4e-3
STEM = 24
# channels and stride of each depthwise-separable block
BLOCKS = ((48, 2), (48, 1), (96, 2), (96, 1), (96, 1), (256, 2), (256, 1), (256, 1), (256, 1),
          (512, 2), (512, 1))


class Block(nn.Module):
    """Depthwise and pointwise convolution, each with its batch normalisation."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = F.relu(self.depthwise_norm(self.depthwise(x)))
        y = F.relu(self.pointwise_norm(self.pointwise(y)))
        return x + y if self.residual else y


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(STEM)
        inputs = (STEM,) + tuple(channels for channels, _ in BLOCKS)
        self.blocks = nn.ModuleList(Block(before, *block) for before, block in zip(inputs, BLOCKS))
        self.head = nn.Linear(BLOCKS[-1][0], len(NAMES))
        self._spread_scales()

    def _spread_scales(self):
        """Starts the channels with uneven scales, so that rounding has something to break."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 0, 0.6)
                module.weight.data.exp_()

    def forward(self, x):
        x = F.relu(self.stem_norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(F.dropout(x.mean((2, 3)), 0.2, self.training))


def training_picture(job):
    name, seed = job
    picture = draw(name, seed, SHIPPED_SIZE).resize((SIDE, SIDE), Image.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1)


def training_set(directory):
    """All training pictures as bytes, and their labels."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / 'pictures.npy'
    jobs = [(name, TRAINING_SEED + i) for name in NAMES for i in range(PICTURES_OF_EACH)]
    if not path.exists():
        with Pool() as pool:
            np.save(path, np.stack(pool.map(training_picture, jobs, 32)))
    labels = torch.tensor([NAMES.index(name) for name, _ in jobs])
    return torch.from_numpy(np.load(path)), labels


def varied(pictures):
    """Normalised, half of them flipped, each moved and sized a little differently."""
    x = (pictures.float() - 127.5) / 127.5
    n = len(x)
    size = torch.empty(n).uniform_(0.85, 1.1)
    flip = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    turn = torch.empty(n).uniform_(-0.12, 0.12)
    transform = torch.zeros(n, 2, 3)
    transform[:, 0, 0] = size * flip * turn.cos()
    transform[:, 0, 1] = -size * turn.sin()
    transform[:, 1, 0] = size * flip * turn.sin()
    transform[:, 1, 1] = size * turn.cos()
    transform[:, :, 2] = torch.empty(n, 2).uniform_(-0.1, 0.1)
    grid = F.affine_grid(transform, x.shape, align_corners=False)
    return F.grid_sample(x, grid, padding_mode='reflection', align_corners=False)


def train(pictures, labels):
    torch.manual_seed(1)
    model = Classifier().to(memory_format=torch.channels_last)
    steps = EPOCHS * (len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(
        (step + 1) / (0.08 * steps), 0.5 + 0.5 * math.cos(math.pi * step / steps)))
    for epoch in range(EPOCHS):
        start, right, seen = time.monotonic(), 0, 0
        model.train()
        for chosen in torch.randperm(len(labels)).split(BATCH)[:len(labels) // BATCH]:
            x = varied(pictures[chosen]).contiguous(memory_format=torch.channels_last)
            answers = model(x)
            loss = F.cross_entropy(answers, labels[chosen], label_smoothing=0.03)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            right += (answers.argmax(1) == labels[chosen]).sum().item()
            seen += len(chosen)
        print(f'epoch {epoch + 1}: {right / seen:.3f} of the training pictures right, '
              f'{time.monotonic() - start:.0f} s', flush=True)
    return model.eval()


def main():
    torch.set_num_threads(1)
    model = train(*training_set(Path(sys.argv[1])))
    export(model, NAMES, SIDE, sys.argv[2])


if __name__ == '__main__':
    main()
