# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of the development collection as samples that are tensors.

For each model a folder of two halves, calibration/ and test/, of .npz files, a sample each: the
members are named like the model's inputs and have its shapes, with the leading batch dimension.
Known answers are in labels.csv (file,index) beside the halves. Recurrent models get the state that
the float model itself came to on the samples before.
"""

import csv
import json
import os
import random
import subprocess
import sys
import wave

import numpy as np
import onnxruntime
from PIL import Image

CHUNK = 512
WINDOW = 512


class Collection:
    """The models and data of the collection."""

    def __init__(self, folder):
        self.folder = folder

    def model(self, path):
        return os.path.join(self.folder, "models", path)

    def data(self, *path):
        return os.path.join(self.folder, "data", *path)

    def files(self, *path):
        folder = self.data(*path)
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]

    def session(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(
            self.model(path), options, providers=["CPUExecutionProvider"])

    def pictures(self):
        return self.files("coco", "images")

    def csv(self, *path):
        with open(self.data(*path), newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    def wave(self, name):
        with wave.open(self.data("audio", name)) as file:
            raw = file.readframes(file.getnframes())
        return np.frombuffer(raw, np.int16).astype(np.float32) / 32768


def spread(items, limit):
    """At most @limit of @items, evenly from all of them."""
    if len(items) <= limit:
        return list(items)
    return [items[i * len(items) // limit] for i in range(limit)]


# Pictures


def read_picture(path):
    return Image.open(path).convert("RGB")


def cropped(picture, short, side):
    """Scaled so that the short side is @short, then @side by @side from the middle."""
    scale = short / min(picture.size)
    width, height = (round(n * scale) for n in picture.size)
    picture = picture.resize((width, height), Image.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def labelled(real, *path):
    """(path, index) of each picture of a table."""
    rows = real.csv(*path)
    folder = os.path.dirname(real.data(*path))
    for name, index, *_ in rows[1:]:
        file = os.path.join(folder, name)
        if not os.path.exists(file):
            file = os.path.join(folder, "images", name)
        yield file, int(index)


class Pictures:
    """Samples that are pictures of the model's size: Featherweight is given them as such, together
    with how they become numbers; the others get the numbers."""

    def __init__(self, name, table, shape, channels="rgb", divisor=1, mean=(0, 0, 0),
                 deviation=(1, 1, 1), most=None):
        self.name = name
        self.most = most  # pictures; labels then are left out
        self.table = table
        self.shape = shape
        self.preprocess = {
            "name": "custom", "layout": "nchw", "channels": channels, "resize": "stretch",
            "invert": False, "divisor": divisor, "mean": list(mean), "deviation": list(deviation),
            "type": "float32"}

    def __call__(self, real, _):
        mode = "L" if self.preprocess["channels"] == "grey" else "RGB"
        for path, label in list(labelled(real, *self.table))[:self.most]:
            yield self.shape(Image.open(path).convert(mode)), label if self.most is None else None

    def to_tensor(self, picture):
        pixels = np.asarray(picture, np.float32)
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        if self.preprocess["channels"] == "bgr":
            pixels = pixels[:, :, ::-1]
        values = pixels / np.float32(self.preprocess["divisor"])
        values = (values - np.float32(self.preprocess["mean"])) / np.float32(
            self.preprocess["deviation"])
        return to_nchw(values)


IMAGENET = ("imagenet", "labels.csv")
CIFAR10 = ("cifar10", "labels.csv")
MIDDLE = (0.5, 0.5, 0.5)

squeezenet = Pictures("data_0", IMAGENET, lambda picture: cropped(picture, 256, 224), "bgr",
                      mean=(104, 117, 123))
mobilenet = Pictures("input_3", IMAGENET, lambda picture: cropped(picture, 146, 128), divisor=255,
                     mean=MIDDLE, deviation=MIDDLE)
resnet8 = Pictures("input_1", CIFAR10, lambda picture: picture)
cifar_cnn = Pictures("modelInput", CIFAR10, lambda picture: picture, divisor=255, mean=MIDDLE, deviation=MIDDLE)
mnist = Pictures("Input3", ("mnist", "labels.csv"), lambda picture: picture, "grey", mean=(0,),
                 deviation=(1,))
# For a network of random weights: only time, memory and size mean something.
random_weights = Pictures("gpu_0/data_0", IMAGENET, lambda picture: cropped(picture, 256, 224),
                          divisor=255, mean=(0.485, 0.456, 0.406),
                          deviation=(0.229, 0.224, 0.225), most=50)
person = Pictures("input_1", ("coco", "person_labels.csv"),
                  lambda picture: picture.resize((96, 96), Image.BILINEAR), divisor=255)


def stretch(picture, width, height):
    pixels = picture.resize((width, height), Image.BILINEAR)
    return np.asarray(pixels, np.float32)


def letterbox(picture, side):
    scale = side / max(picture.size)
    width, height = (max(1, round(n * scale)) for n in picture.size)
    canvas = np.full((side, side, 3), 114, np.float32)
    canvas[:height, :width] = stretch(picture, width, height)
    return canvas


def to_nchw(pixels):
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)


def yolox(real, limit):
    for path in spread(real.pictures(), limit):
        yield {"images": to_nchw(letterbox(read_picture(path), 416)[:, :, ::-1])}, None


def fastestdet(real, limit):
    for path in spread(real.pictures(), limit):
        yield {"input": to_nchw(stretch(read_picture(path), 352, 352)[:, :, ::-1] / 255)}, None


def ultraface(real, limit):
    photos = real.files("faces") + real.pictures()
    for path in spread(photos, limit):
        yield {"input": to_nchw((stretch(read_picture(path), 320, 240) - 127) / 128)}, None


def deeplab(real, limit):
    for path in spread(real.pictures(), limit):
        pixels = stretch(read_picture(path), 257, 257) / 127.5 - 1
        yield {"sub_7": pixels[None].astype(np.float32)}, None


def mosaic(real, limit):
    for path in spread(real.pictures(), min(limit, 12)):
        yield {"inputImage": to_nchw(stretch(read_picture(path), 720, 720)[:, :, ::-1])}, None


def super_resolution(real, limit):
    for path in spread(real.pictures(), min(limit, 32)):
        luma = read_picture(path).convert("YCbCr").split()[0].resize((224, 224), Image.BICUBIC)
        yield {"input": np.asarray(luma, np.float32)[None, None] / 255}, None


def lowlight(real, limit):
    for path in spread(real.pictures(), min(limit, 32)):
        # Darkened, which is what the model is for.
        pixels = (stretch(read_picture(path), 320, 240) / 255) ** 2.2 * 0.4
        yield {"Placeholder": to_nchw(pixels)}, None


def ocr_crops(real, count, width, height):
    """Pieces of the text samples in various places and sizes."""
    random = np.random.default_rng(7)
    pictures = [read_picture(path) for path in real.files("ocr")]
    for i in range(count):
        picture = pictures[0] if i % 8 else pictures[1]
        share = random.uniform(0.35, 1)
        crop_width = max(int(picture.width * share), 8)
        crop_height = min(max(int(crop_width * height / width), 8), picture.height)
        left = int(random.integers(0, picture.width - crop_width + 1))
        top = int(random.integers(0, picture.height - crop_height + 1))
        crop = picture.crop((left, top, left + crop_width, top + crop_height))
        yield crop, stretch(crop, width, height)[:, :, ::-1]


def ocr_det(real, limit):
    # In BGR order, as the colours are given to it.
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    for _, pixels in ocr_crops(real, min(limit, 32), 320, 320):
        yield {"x": to_nchw((pixels / 255 - mean) / deviation)}, None


def ocr_cls(real, limit):
    for i, (_, pixels) in enumerate(ocr_crops(real, min(limit, 64), 192, 48)):
        turned = i % 2
        if turned:
            pixels = pixels[::-1, ::-1]
        yield {"x": to_nchw((pixels - 127.5) / 127.5)}, turned


# Tables


def numbers(row):
    return np.array([[float(value) for value in row]], np.float32)


def hand_keypoint(real, limit):
    for row in spread(real.csv("tabular", "hand_keypoint.csv"), limit):
        yield {"input": numbers(row[1:])}, int(float(row[0]))


def hand_history(real, limit):
    for row in spread(real.csv("tabular", "hand_history.csv"), limit):
        feeds = {"input": numbers(row[1:]), "score_threshold": np.array(0, np.float32)}
        yield feeds, int(float(row[0]))


def iris(real, limit):
    rows = real.csv("tabular", "iris.csv")[1:]
    species = sorted({row[-1] for row in rows})
    for row in spread(rows, limit):
        yield {"input": numbers(row[1:-1])}, species.index(row[-1])


def toycar(real, limit):
    rows = np.fromfile(real.data("audio", "toycar_640.f32"), np.float32).reshape(-1, 640)
    for row in spread(rows, limit):
        yield {"input_1": row[None]}, None


# Text


def magika(real, limit):
    with open(real.data("text", "magika_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    size, padding = config["beg_size"], config["padding_token"]
    names = config["target_labels_space"]
    paths = []
    for folder, _, files in os.walk(real.data("text", "magika_files")):
        paths += [os.path.join(folder, name) for name in files]
    for path in spread(sorted(paths), limit):
        with open(path, "rb") as file:
            content = file.read()
        block = config["block_size"]
        begin = content[:block].lstrip()[:size]
        end = content[-block:].rstrip()[-size:]
        values = np.full((1, 2 * size), padding, np.int32)
        values[0, :len(begin)] = list(begin)
        if end:
            values[0, -len(end):] = list(end)
        label = os.path.basename(os.path.dirname(path))
        yield {"bytes": values}, names.index(label) if label in names else -1


WORDS = """a able about across actually after afternoon again against airplane already although
always american animal another anybody apple around articulate banana beautiful because before
beginning believe between bicycle birthday bread brother building business butterfly candle
captain carefully carpenter century certainly chocolate children city clearly company complete
computer consider conversation country cucumber daughter decided delicious develop different
difficult discover doctor dollar don't eleven elephant energy engine evening everybody example
exercise experience family favourite february finger follow forest forgotten forward friend
garden general gentleman government grandmother half happen happiness helicopter history holiday
hospital hundred husband idea imagine important incredible instead instrument interesting island
january journey kitchen knowledge language laughed letter library little machine material
measure medicine memory metal minute moment morning mother mountain music natural necessary
neighbour never notebook number ocean office often onion orange original outside paper parents
particular people perhaps person piano picture pleasure popular possible potato president
probably problem professor quarter question quickly radio rainbow rather ready really remember
restaurant river rocket saturday science scissors second secret separate seven several shoulder
similar simple sister situation special spider station story strawberry student suddenly sugar
summer sunshine surprise syllable table teacher telephone television temperature theatre
together tomato tomorrow towards travel trouble umbrella understand university vacation vegetable
village visitor volcano water weather wednesday whatever whisper window winter without wonderful
yellow yesterday young""".split()


def syllables(real, limit):
    letters = "'-abcdefghijklmnopqrstuvwxyz"
    words = [row[0].lower() for row in real.csv("text", "syllables.csv")[1:]]
    for word in spread(words + [word for word in WORDS if word not in words], limit):
        values = np.zeros((1, 18, 28), np.float32)
        for i, letter in enumerate(word[:18]):
            values[0, i, letters.index(letter)] = 1
        yield {"input": values}, None


# Sound


def silero(real, limit):
    session = real.session("audio/silero_vad.onnx")
    sound = np.concatenate([real.wave("speech_silero_20s.wav"),
                            real.wave("speech_librispeech.wav")])
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros(64, np.float32)
    rate = np.array(16000, np.int64)
    steps = []
    for start in range(0, len(sound) - CHUNK + 1, CHUNK):
        chunk = sound[start:start + CHUNK]
        feeds = {"input": np.concatenate([context, chunk])[None], "state": state, "sr": rate}
        steps.append(feeds)
        _, state = session.run(None, feeds)
        context = chunk[-64:]
    for feeds in spread(steps, limit):
        yield feeds, None


def dtln_steps(real):
    """The inputs of both parts on noisy speech, block after block, as the pipeline runs them."""
    first, second = (real.session(f"audio/dtln_model_{i}.onnx") for i in (1, 2))
    speech = real.wave("speech_librispeech.wav")
    noise = np.random.default_rng(3).normal(0, 0.01, len(speech)).astype(np.float32)
    sound = speech + noise
    states = [np.zeros((1, 2, 128, 2), np.float32) for _ in range(2)]
    for start in range(0, len(sound) - WINDOW + 1, 128):
        spectrum = np.fft.rfft(sound[start:start + WINDOW])
        magnitude = np.abs(spectrum).astype(np.float32)[None, None]
        one = {"input_2": magnitude, "input_3": states[0]}
        mask, states[0] = first.run(None, one)
        estimated = np.fft.irfft(magnitude * mask * np.exp(1j * np.angle(spectrum)))
        two = {"input_4": estimated.astype(np.float32).reshape(1, 1, -1), "input_5": states[1]}
        _, states[1] = second.run(None, two)
        yield one, two


def dtln_1(real, limit):
    for one, _ in spread(list(dtln_steps(real)), limit):
        yield one, None


def dtln_2(real, limit):
    for _, two in spread(list(dtln_steps(real)), limit):
        yield two, None


def basic_pitch(real, limit):
    size = 43844
    sound = real.wave("singing_vocadito_10.wav")
    sound = sound[:len(sound) // 2 * 2].reshape(-1, 2).mean(axis=1)
    last = len(sound) - size
    count = min(limit, 24)
    for i in range(count):
        start = last * i // max(count - 1, 1)
        yield {"serving_default_input_2:0": sound[start:start + size].reshape(1, size, 1)}, None


class Model:
    """A model of the collection: where it is, what makes its samples, what its answers are."""

    def __init__(self, path, samples, answer, depthwise=False):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.samples = samples
        self.answer = answer
        self.depthwise = depthwise


MODELS = [
    Model("classification/squeezenet1.1_fp32.onnx", squeezenet, "class"),
    Model("classification/mobilenet_v1_0.25_128_imagenet.onnx", mobilenet, "class", True),
    Model("classification/cifar10_resnet8_mlperf_tiny.onnx", resnet8, "class"),
    Model("classification/cifar10_cnn_pytorch_tutorial.onnx", cifar_cnn, "class"),
    Model("classification/mnist_cntk.onnx", mnist, "class"),
    Model("classification/person_vww96_mobilenet.onnx", person, "class", True),
    Model("detection/yolox_nano_416.onnx", yolox, "yolox", True),
    Model("detection/fastestdet_352.onnx", fastestdet, "fastestdet", True),
    Model("detection/ultraface_rfb320.onnx", ultraface, "ultraface", True),
    Model("segmentation/deeplabv3_mnv2_257.onnx", deeplab, "segments", True),
    Model("image2image/style_mosaic_720.onnx", mosaic, "picture"),
    Model("image2image/super_resolution_x3_224.onnx", super_resolution, "picture"),
    Model("image2image/lowlight_tbefn_240x320.onnx", lowlight, "picture"),
    Model("ocr/ppocr_mobile_v2_det.onnx", ocr_det, "mask", True),
    Model("ocr/ppocr_mobile_v2_cls.onnx", ocr_cls, "class", True),
    Model("landmarks/hand_keypoint_mlp.onnx", hand_keypoint, "label"),
    Model("landmarks/hand_history_lstm.onnx", hand_history, "label"),
    Model("text/magika_v3_3.onnx", magika, "class"),
    Model("text/syllable_gru.onnx", syllables, "count"),
    Model("audio/silero_vad.onnx", silero, "probability"),
    Model("audio/dtln_model_1.onnx", dtln_1, "numbers"),
    Model("audio/dtln_model_2.onnx", dtln_2, "numbers"),
    Model("audio/basic_pitch_nmp.onnx", basic_pitch, "numbers"),
    Model("audio/toycar_autoencoder.onnx", toycar, "numbers"),
    Model("tabular/iris_mlp_pytorch.onnx", iris, "class"),
]
CLASSIFIERS = [model.name for model in MODELS if model.path.startswith("classification/")]
RESNET50 = Model("resnet50_random.onnx", random_weights, "numbers")


def make(real, model, folder, limit=100):
    """Fills @folder once. Half of the samples, by chance, are for calibrating."""
    done = os.path.join(folder, "done")
    if os.path.exists(done):
        return
    samples = list(model.samples(real, limit))
    order = list(range(len(samples)))
    random.Random(1).shuffle(order)
    calibration = set(order[:len(order) // 2])
    labels = []
    for i, (sample, label) in enumerate(samples):
        half = "calibration" if i in calibration else "test"
        file = write_sample(model.samples, sample, os.path.join(folder, half), f"{i:04}", folder)
        if label is not None and label >= 0:
            labels.append((file, label))
    if labels:
        with open(os.path.join(folder, "labels.csv"), "w", newline="", encoding="utf-8") as table:
            csv.writer(table).writerows([("file", "index")] + labels)
    if not isinstance(model.samples, Pictures):
        with open(done, "w", encoding="utf-8"):
            return
    preprocess = dict(model.samples.preprocess, width=samples[0][0].width,
                      height=samples[0][0].height)
    with open(os.path.join(folder, "preprocess.json"), "w", encoding="utf-8") as file:
        json.dump(preprocess, file)
    with open(done, "w", encoding="utf-8"):
        pass


def write_sample(samples, sample, half, name, folder):
    """The name of the file that Featherweight is given."""
    os.makedirs(half, exist_ok=True)
    if not isinstance(samples, Pictures):
        np.savez(os.path.join(half, name + ".npz"), **sample)
        return name + ".npz"
    pictures = os.path.join(folder, "pictures", os.path.basename(half))
    os.makedirs(pictures, exist_ok=True)
    sample.save(os.path.join(pictures, name + ".png"))
    np.savez(os.path.join(half, name + ".npz"), **{samples.name: samples.to_tensor(sample)})
    return name + ".png"


def given(folder, half=None):
    """What Featherweight is given: a half, or both."""
    pictures = os.path.join(folder, "pictures")
    if os.path.isdir(pictures):
        return [os.path.join(pictures, half)] if half else [pictures]
    return [os.path.join(folder, name) for name in ([half] if half else ["calibration", "test"])]


def read_half(folder, half):
    """The samples of a half, in order: names and feeds."""
    folder = os.path.join(folder, half)
    names = sorted(name for name in os.listdir(folder) if name.endswith(".npz"))
    feeds = []
    for name in names:
        with np.load(os.path.join(folder, name)) as file:
            feeds.append({key: file[key] for key in file.files})
    return names, feeds


def read_labels(folder):
    """By name, without what kind of file it is."""
    path = os.path.join(folder, "labels.csv")
    if not os.path.exists(path):
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {os.path.splitext(row[0])[0]: int(row[1]) for row in rows}


def inflate(real, out):
    """The full-size ResNet-50 of the collection with random weights."""
    if not os.path.exists(out):
        script = os.path.join(real.folder, "scripts", "inflate_light.py")
        light = os.path.join(real.folder, "awkward", "no_stored_weights_resnet50.onnx")
        subprocess.run([sys.executable, script, light, out], check=True,
                       stdout=subprocess.DEVNULL)
