# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the sample model on the shipped pictures, and what plain 8-bit rounding does to it.

  check.py SAMPLE_DIRECTORY
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

onnxruntime.set_default_logger_severity(3)


def load(path, side):
    picture = Image.open(path).convert('RGB').resize((side, side), Image.BILINEAR)
    return ((np.asarray(picture, np.float32) - 127.5) / 127.5).transpose(2, 0, 1)[None]


def run(path, pictures):
    """The answers for all pictures and the median time of one in milliseconds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    answers, times = [], []
    for picture in pictures:
        start = time.perf_counter()
        answers.append(session.run(None, {'picture': picture})[0][0])
        times.append(time.perf_counter() - start)
    return np.stack(answers), np.median(times) * 1000


class Reader(CalibrationDataReader):
    def __init__(self, pictures):
        self.rest = iter(pictures)

    def get_next(self):
        picture = next(self.rest, None)
        return None if picture is None else {'picture': picture}


def quantized(model, pictures, directory, per_channel):
    prepared, path = f'{directory}/prepared.onnx', f'{directory}/quantized-{per_channel}.onnx'
    quant_pre_process(model, prepared)
    quantize_static(prepared, path, Reader(pictures), per_channel=per_channel,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return path


def report(title, answers, labels, names, original=None):
    best = answers.argmax(1)
    line = f'{title}: {np.mean(best == labels):.3f} right'
    if original is not None:
        line += f', {np.mean(best != original.argmax(1)):.3f} of the answers changed'
    print(line)
    wrong = np.flatnonzero(best != labels)
    return [f'{names[labels[i]]} taken for {names[best[i]]}' for i in wrong]


def main():
    folder = Path(sys.argv[1])
    model, names = str(folder / 'model.onnx'), (folder / 'labels.txt').read_text().splitlines()
    with open(folder / 'pictures' / 'labels.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    labels = np.array([int(row['index']) for row in rows])
    assert all(names[int(row['index'])] == row['name'] for row in rows)
    side = onnxruntime.InferenceSession(model).get_inputs()[0].shape[-1]
    pictures = [load(folder / 'pictures' / row['file'], side) for row in rows]
    original, median = run(model, pictures)
    print(*report('float', original, labels, names), sep='\n  ')
    print(f'median of one picture on one thread: {median:.2f} ms')
    with tempfile.TemporaryDirectory() as directory:
        for per_channel in (True, False):
            path = quantized(model, pictures[::4], directory, per_channel)
            answers, median = run(path, pictures)
            report(f'8 bits, per channel: {per_channel}, {median:.2f} ms', answers, labels, names,
                   original)


if __name__ == '__main__':
    main()
