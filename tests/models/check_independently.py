#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the program's figures with nothing of the program's own.

For each real classifier: shrinks it with featherweight-cli, then runs the written file with ONNX
Runtime's Python package, once on the tensors of --save-inputs (the answers must be exactly those
reported) and once on pictures prepared with Pillow as the collection's manifest says (same answers
and top-1 must be within 5 points of those reported).

Needs onnxruntime, numpy and pillow (pip install), and the collection in ../shared/real or FW_REAL:

    tests/models/check_independently.py build/src/worker/featherweight-cli
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
REAL = pathlib.Path(os.environ.get("FW_REAL", ROOT.parent / "shared" / "real"))


def crop(image, side, short):
    scale = short / min(image.size)
    size = [max(short, round(length * scale)) for length in image.size]
    image = image.resize(size, Image.BILINEAR)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return image.crop((left, top, left + side, top + side))


def stretch(side):
    return lambda image: image.resize((side, side), Image.BILINEAR)


def rgb(shape, values):
    def prepare(image):
        pixels = np.asarray(shape(image.convert("RGB")), np.float32)
        return values(pixels).transpose(2, 0, 1)[None].astype(np.float32)

    return prepare


def grey(shape):
    return lambda image: np.asarray(shape(image.convert("L")), np.float32)[None, None]


# Model, samples, labels, preparation: as the manifest notes them.
MODELS = [
    ("squeezenet1.1_fp32", "imagenet", None,
     rgb(lambda i: crop(i, 224, 256), lambda p: p[..., ::-1] - np.float32([104, 117, 123]))),
    ("mobilenet_v1_0.25_128_imagenet", "imagenet", None,
     rgb(lambda i: crop(i, 128, 146), lambda p: (p - 127.5) / 127.5)),
    ("cifar10_resnet8_mlperf_tiny", "cifar10", None, rgb(stretch(32), lambda p: p)),
    ("cifar10_cnn_pytorch_tutorial", "cifar10", None,
     rgb(stretch(32), lambda p: (p - 127.5) / 127.5)),
    ("mnist_cntk", "mnist", None, grey(stretch(28))),
    ("person_vww96_mobilenet", "coco", "person_labels.csv", rgb(stretch(96), lambda p: p / 255)),
]


def find(folder, name):
    direct = folder / name
    return direct if direct.exists() else next(folder.rglob(pathlib.Path(name).name))


def run(path):
    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name
    return lambda tensor: int(np.argmax(session.run(None, {name: tensor})[0]))


def shrink(program, model, samples, labels, folder):
    command = [program, "shrink", model, samples, "--json", "-o", folder / "out.onnx",
               "--save-inputs", folder / "inputs"]
    if labels:
        command += ["--labels", labels]
    # The user's own history has no business with this.
    environment = dict(os.environ, XDG_DATA_HOME=str(folder / "data"))
    lines = subprocess.run(command, check=True, capture_output=True, text=True,
                           env=environment).stdout.splitlines()
    return json.loads(lines[-1])


def check(program, name, samples, labels, prepare):
    folder = pathlib.Path(tempfile.mkdtemp())
    data = REAL / "data" / samples
    model = REAL / "models" / "classification" / f"{name}.onnx"
    result = shrink(program, model, data, labels and data / labels, folder)
    inputs = json.loads((folder / "inputs" / "inputs.json").read_text())
    original, other = run(model), run(folder / "out.onnx")

    exact = same = right = 0
    for entry in inputs:
        tensor = np.load(folder / "inputs" / entry["file"])
        exact += original(tensor) == entry["original"] and other(tensor) == entry["other"]
        with Image.open(find(data, entry["name"])) as image:
            tensor = prepare(image)
        answer = other(tensor)
        same += answer == original(tensor)
        right += answer == entry["label"]

    total = len(inputs)
    reported = result["same"]["fraction"]
    top1 = result["accuracy"]["top1"]
    good = (exact == total and abs(same / total - reported) <= 0.05
            and abs(right / total - top1) <= 0.05)
    print(f"{name}: exact answers {exact}/{total}; same {same / total:.1%}, reported "
          f"{reported:.1%}; top-1 {right / total:.1%}, reported {top1:.1%}; "
          f"{result['size_bytes'] / result['original_size_bytes']:.1%} of the bytes: "
          f"{'good' if good else 'BAD'}", flush=True)
    return good


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    results = [check(program, *model) for model in MODELS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
