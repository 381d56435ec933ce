#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures that were promised, and what is measured today: met or not met.

Nothing fails by this; it prints one table. Versions are calibrated on the half of the photos that
Featherweight chooses for it, and counted on all photos and, beside that, on the other half.
"""

import argparse
import json
import os
import shutil
import sys
import time
import traceback

from peers import options

SQUEEZENET = "squeezenet1.1_fp32"
MOBILENET = "mobilenet_v1_0.25_128_imagenet"
RESNET8 = "cifar10_resnet8_mlperf_tiny"
CIFAR = "cifar10_cnn_pytorch_tutorial"
PERSON = "person_vww96_mobilenet"
MNIST = "mnist_cntk"

# Same answers of all photos at a share of the bytes, with at most two points less top-1.
SIZES = [(MOBILENET, 96, 27), (MOBILENET, 91, 20), (SQUEEZENET, 94, 15), (RESNET8, 94, 16),
         (CIFAR, 99, 14.5)]
# Same answers of all photos at a share of the float model's latency, with int8 arithmetic.
SPEEDS = [(SQUEEZENET, 98, 0.47), (MOBILENET, 96, 0.72), (PERSON, 99, 0.80)]
# Most bytes of a recommended version, in percent.
RECOMMENDED = [(SQUEEZENET, 28), (MOBILENET, 55), (RESNET8, 28), (CIFAR, 28), (MNIST, 28),
               (PERSON, 55)]
GROUPS = ("sizes", "speeds", "recommended", "plain", "memory", "first", "convolutions")


class Bars:
    """Rows of the table as they come."""

    def __init__(self, arguments):
        from peers import samples
        self.arguments = arguments
        self.real = samples.Collection(arguments.real)
        self.trials = {}
        self.paths = {}
        self.rows = []
        self.details = []

    def trial(self, name):
        from peers import samples, trial
        if name not in self.trials:
            model = next((model for model in samples.MODELS if model.name == name),
                         samples.RESNET50)
            self.trials[name] = trial.Trial(self.real, model, self.arguments.work)
        return self.trials[name]

    def add(self, bar, met, figures):
        word = "met" if met else "not met" if met is not None else "not measured"
        self.rows.append([bar, word, figures.replace("|", "/")])
        print(" · ".join(self.rows[-1]), file=sys.stderr, flush=True)
        os.makedirs(self.arguments.out, exist_ok=True)
        with open(os.path.join(self.arguments.out, "bars.json"), "w", encoding="utf-8") as file:
            json.dump({"bars": self.rows, "details": self.details}, file, indent=1)

    def cli(self, one, verb, rest, log, watch=None, seed=None):
        from peers import featherweight, samples
        seeds = ["--seed", str(seed)] if seed is not None else []
        return featherweight.run(
            self.arguments.cli,
            [verb, one.path] + samples.given(one.samples) + rest
            + featherweight.about(one.samples) + seeds,
            os.path.join(one.files, log + ".log"), self.arguments.threads, watch=watch)

    def count_all(self, one, path):
        """On all samples: same answers and right ones, together."""
        from peers import measure
        sums = {"same": 0, "total": 0, "right": 0, "original_right": 0, "labelled": 0}
        for half, (_, feeds) in one.halves.items():
            figures = measure.compare(one.model.answer, one.originals[half],
                                      measure.run_all(path, feeds), one.labels[half])
            for key in sums:
                sums[key] += figures.get(key, 0)
        return sums

    def path_of(self, name, prefer):
        """All stops, calibrated on Featherweight's own half of all samples."""
        key = (name, prefer)
        if key in self.paths:
            return self.paths[key]
        from peers import featherweight, measure
        one = self.trial(name)
        output = os.path.join(one.files, f"bars-{prefer}")
        shutil.rmtree(output, ignore_errors=True)
        job = self.cli(one, "path", ["--prefer", prefer, "-o", output], f"bars-{prefer}",
                       watch=featherweight.FIRST_STOP)
        stops = []
        try:
            with open(os.path.join(output, "stops.json"), encoding="utf-8") as file:
                stops = json.load(file)["stops"]
        except (OSError, ValueError, KeyError):
            pass
        for stop in stops:
            stop["path"] = os.path.join(output, stop["file"])
            stop["share"] = 100 * measure.bytes_of(stop["path"]) / one.bytes
            stop["all"] = self.count_all(one, stop["path"])
        if stops:
            timed = measure.latency([one.path] + [stop["path"] for stop in stops],
                                    one.halves["test"][1][0], self.arguments.threads,
                                    self.arguments.seconds)
            for stop, latency in zip(stops, timed[1:]):
                stop["measured"] = latency
                self.details.append({"model": name, "prefer": prefer, "share": stop["share"],
                                     "all": stop["all"], "held_back": stop["same"],
                                     "latency": latency, "options": stop.get("options"),
                                     "recommended": stop.get("recommended")})
        self.paths[key] = (stops, job)
        return self.paths[key]


def describe(counted, held_back):
    text = f"{100 * counted['same'] / counted['total']:.1f} % of all {counted['total']}"
    if held_back:
        text += f", {100 * held_back['fraction']:.1f} % of {held_back['total']} held back"
    if counted["labelled"]:
        loss = 100 * (counted["original_right"] - counted["right"]) / counted["labelled"]
        text += f", top-1 {-loss:+.1f} points"
    return text


def keeps(counted, percent):
    loss = 100 * (counted["original_right"] - counted["right"]) / max(counted["labelled"], 1)
    return 100 * counted["same"] / counted["total"] >= percent and loss <= 2


def sizes(bars):
    from peers import featherweight, measure
    for name, percent, share in SIZES:
        one = bars.trial(name)
        bar = f"{name}: ≥ {percent} % same at ≤ {share} % of the bytes"
        output = os.path.join(one.files, f"bars-{share}.onnx")
        featherweight.clear(output)
        job = bars.cli(one, "shrink", ["--prefer", "size", "--max-size", f"{share}%", "-o", output],
                       f"bars-{share}")
        if "error" in job or not os.path.exists(output):
            bars.add(bar, False, job.get("error", "wrote no file"))
            continue
        counted = bars.count_all(one, output)
        got = 100 * measure.bytes_of(output) / one.bytes
        bars.add(bar, keeps(counted, percent) and got <= share,
                 f"{got:.1f} % of the bytes: {describe(counted, job['result'].get('same'))}")


def speeds(bars):
    for name, percent, ratio in SPEEDS:
        bar = f"{name}: ≥ {percent} % same at ≤ {ratio} of the latency"
        stops, job = bars.path_of(name, "speed")
        stops = [stop for stop in stops + bars.path_of(name, "both")[0] if stop.get("measured")]
        if not stops:
            bars.add(bar, False, job.get("error", "no stops"))
            continue
        fast = [stop for stop in stops if stop["measured"]["ratio"] <= ratio]
        # Chosen by what the job itself said of its own held-back half.
        pick = (max(fast, key=lambda stop: stop.get("sqnr_db") or 0) if fast
                else min(stops, key=lambda stop: stop["measured"]["ratio"]))
        latency = pick["measured"]
        bars.add(bar, keeps(pick["all"], percent) and bool(fast),
                 f"{latency['ratio']:.2f} ({latency['low']:.2f}–{latency['high']:.2f}), "
                 f"{pick['share']:.1f} % of the bytes: {describe(pick['all'], pick['same'])}")


def recommended(bars):
    for name, share in RECOMMENDED:
        for prefer in ("size", "speed", "both"):
            bar = f"{name}: recommended ({prefer}) ≤ {share} % of the bytes with ≥ 96 % same"
            stops, job = bars.path_of(name, prefer)
            pick = next((stop for stop in stops if stop.get("recommended")), None)
            if pick is None:
                bars.add(bar, False, job.get("error", "none is recommended"))
                continue
            met = pick["share"] <= share and pick["all"]["same"] >= 0.96 * pick["all"]["total"]
            latency = pick["measured"]
            bars.add(bar, met, f"{pick['share']:.1f} % of the bytes, latency "
                     f"{latency['ratio']:.2f}: {describe(pick['all'], pick['same'])}")


def forward_seconds(one, feeds, threads):
    """The bare time of the float model's passes."""
    from peers import measure
    model = measure.session(one.path, threads)
    model.run(None, feeds[0])
    start = time.perf_counter()
    for feed in feeds:
        model.run(None, feed)
    return time.perf_counter() - start


def plain(bars):
    """One int8 file without ranking and measuring, beside quantize_static."""
    from peers import environments, featherweight, samples, tools
    arguments = bars.arguments
    error = environments.install(arguments.venv, "onnxruntime")
    for name in (SQUEEZENET, MOBILENET, "resnet50_random"):
        one = bars.trial(name)
        count = len(one.halves["calibration"][0])
        row = featherweight.plain(arguments.cli, one.path, samples.given(one.samples),
                                  featherweight.about(one.samples), one.files, "int8-compute",
                                  arguments.threads, name="bars-plain")
        passes = forward_seconds(one, one.halves["calibration"][1], arguments.threads)
        # A row that was kept may be from another day: the times belong together.
        for kept in ("u8s8-minmax", "u8s8-entropy"):
            path = os.path.join(one.files, f"onnxruntime-{kept}.json")
            if os.path.exists(path):
                os.unlink(path)
        peers = [tools.run_setting(one.files, arguments.venv, "onnxruntime", setting, one.upgraded,
                                   one.calibration, arguments.threads, 1800)
                 for setting in ("u8s8-minmax", "u8s8-entropy")] if error is None else []
        if "error" in row or any("error" in peer for peer in peers):
            bars.add(f"{name}: plain int8", False, row.get("error") or peers[0].get("error", ""))
            continue
        bars.details.append({"model": name, "plain": row, "passes": passes, "peers": peers})
        for peer in peers:
            bars.add(f"{name}: plain int8 in ≤ 1/5 of quantize_static's time ({peer['setting']})",
                     row["seconds"] <= peer["seconds"] / 5,
                     f"{row['seconds']:.2f} s against {peer['seconds']:.2f} s "
                     f"({peer['seconds_inside']:.2f} s without imports), {count} samples")
            bars.add(f"{name}: plain int8 in ≤ 1/3 of its memory ({peer['setting']})",
                     row["peak_bytes"] <= peer["peak_bytes"] / 3,
                     f"{row['peak_bytes'] / 1e6:.0f} MB against {peer['peak_bytes'] / 1e6:.0f} MB")
        bars.add(f"{name}: plain int8 in ≤ 1.5 × the float passes",
                 row["seconds"] <= 1.5 * passes,
                 f"{row['seconds']:.2f} s against {passes:.2f} s for {count} passes")


def many_pictures(one, count):
    """A folder of @count different pictures: those of the model with some noise."""
    import numpy as np
    from PIL import Image
    from peers import samples

    folder = os.path.join(one.folder, f"pictures-{count}")
    os.makedirs(folder, exist_ok=True)
    generator = np.random.default_rng(2)
    sources = []
    for path, _, files in os.walk(samples.given(one.samples)[0]):
        sources += [os.path.join(path, name) for name in files]
    for i in range(count):
        path = os.path.join(folder, f"{i:04}.png")
        if not os.path.exists(path):
            pixels = np.asarray(Image.open(sources[i % len(sources)]), np.float32)
            pixels = np.clip(pixels + generator.normal(0, 4, pixels.shape), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder


def memory(bars):
    """Flat from 50 to 500 samples."""
    from peers import featherweight
    one = bars.trial(MOBILENET)
    known = ["--preprocess", os.path.join(one.samples, "preprocess.json")]
    for words, options_of in (("plain", ["--uniform", "int8-compute", "--no-measure"]),
                              ("recommended", ["--prefer", "size"])):
        peaks = {}
        bar = f"{MOBILENET}: memory flat from 50 to 500 samples ({words})"
        for count in (50, 500):
            output = os.path.join(one.files, f"bars-{count}.onnx")
            featherweight.clear(output)
            row = featherweight.run(
                bars.arguments.cli,
                ["shrink", one.path, many_pictures(one, count), "-o", output] + options_of + known,
                os.path.join(one.files, f"bars-{count}.log"), bars.arguments.threads)
            if "error" in row:
                bars.add(bar, False, row["error"])
                break
            peaks[count] = row["peak_bytes"]
        else:
            bars.add(bar, peaks[500] <= 1.1 * peaks[50],
                     f"{peaks[50] / 1e6:.0f} MB and {peaks[500] / 1e6:.0f} MB")


def first(bars):
    for name in (MOBILENET, PERSON):
        one = bars.trial(name)
        bar = f"{name}: first stop before 150 float passes"
        _, job = bars.path_of(name, "size")
        feeds = [feed for _, half in one.halves.values() for feed in half]
        feeds = (feeds * (150 // len(feeds) + 1))[:150]
        passes = forward_seconds(one, feeds, bars.arguments.threads)
        if job.get("first") is None:
            bars.add(bar, False, job.get("error", "no stop was said"))
            continue
        bars.add(bar, job["first"] <= passes,
                 f"{job['first']:.2f} s against {passes:.2f} s, whole job {job['seconds']:.1f} s")


def convolutions(bars):
    """Networks that only compute: int8 at 30 % of the latency or less."""
    from peers import featherweight, measure, samples
    one = bars.trial("resnet50_random")
    row = featherweight.plain(bars.arguments.cli, one.path, samples.given(one.samples), [],
                              one.files, "int8-compute", bars.arguments.threads, name="bars-plain")
    bar = "resnet50_random: int8 at ≤ 0.30 of the latency"
    if "error" in row:
        bars.add(bar, False, row["error"])
        return
    value = measure.latency([one.path, row["path"]], one.halves["test"][1][0],
                            bars.arguments.threads, 10)[1]
    bars.add(bar, value["ratio"] <= 0.30,
             f"{value['ratio']:.2f} ({value['low']:.2f}–{value['high']:.2f}), "
             f"{100 * row['bytes'] / one.bytes:.1f} % of the bytes")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_common(parser)
    parser.add_argument("--out", help="bars.json and bars.md go there; the work folder")
    parser.add_argument("groups", nargs="*", help="of " + ", ".join(GROUPS) + "; all without any")
    arguments = parser.parse_args()
    options.settle(arguments)
    arguments.out = arguments.out or arguments.work
    arguments.groups = arguments.groups or GROUPS
    return arguments


def main():
    arguments = parse()
    options.inside(arguments)
    from peers import table

    bars = Bars(arguments)
    for group in GROUPS:
        if group in arguments.groups:
            try:
                globals()[group](bars)
            except Exception:  # the other groups go on
                traceback.print_exc()
    text = table.markdown(("bar", "", "measured"), bars.rows)
    with open(os.path.join(arguments.out, "bars.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text)


if __name__ == "__main__":
    main()
