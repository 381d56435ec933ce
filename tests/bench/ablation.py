#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each repair is worth: all, none, each alone and all but each, on three networks.

Every version gives all units the same option and is calibrated on one half of the samples; figures
are of the other half.
"""

import argparse
import json
import os
import sys

from peers import options

NETWORKS = {
    "squeezenet1.1_fp32": "SqueezeNet",
    "mobilenet_v1_0.25_128_imagenet": "MobileNetV1 0.25",
    "cifar10_resnet8_mlperf_tiny": "ResNet-8",
}
OPTIONS = ["int8-compute", "int8-storage", "int6-storage", "int4-storage"]
REPAIRS = ["bias-correction", "gptq", "coordinate-descent", "cross-term", "clipping",
           "smoothing", "equalization"]


def variants():
    """(name, repairs that are left out)"""
    yield "all", []
    yield "none", REPAIRS
    for name in REPAIRS:
        yield f"only {name}", [other for other in REPAIRS if other != name]
    for name in REPAIRS:
        yield f"all but {name}", [name]


def measure_variant(trial, cli, option, left_out, arguments):
    from peers import featherweight, samples

    row = featherweight.plain(
        cli, trial.path, samples.given(trial.samples, "calibration"),
        featherweight.about(trial.samples), trial.files, option, arguments.threads, ["--without", ",".join(left_out)] if left_out else [],
        "ablation")
    trial.measure(row, ("test",))
    return row


def cell(row):
    if "error" in row:
        return row["error"][:60].replace("|", "/")
    figures = row["test"]
    text = f"{100 * figures['same'] / figures['total']:.0f} / {figures['sqnr_db']:.1f}"
    if "right" in figures:
        text += f" / {100 * figures['right'] / figures['labelled']:.1f}"
    return text


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_common(parser)
    parser.add_argument("--options", nargs="*", default=OPTIONS, help="one for all units")
    parser.add_argument("--out", help="ablation.json and ablation.md go there; the work folder")
    parser.add_argument("networks", nargs="*", help="names of models")
    arguments = parser.parse_args()
    options.settle(arguments)
    arguments.out = arguments.out or arguments.work
    return arguments


def main():
    arguments = parse()
    options.inside(arguments)
    from peers import samples, table, trial

    real = samples.Collection(arguments.real)
    wanted = arguments.networks or list(NETWORKS)
    text, results = "", {}
    os.makedirs(arguments.out, exist_ok=True)
    for option in arguments.options:
        rows = [[name] for name, _ in variants()]
        for network in wanted:
            model = next(model for model in samples.MODELS if model.name == network)
            one = trial.Trial(real, model, arguments.work)
            for line, (name, left_out) in zip(rows, variants()):
                row = measure_variant(one, arguments.cli, option, left_out, arguments)
                results[f"{network} {option} {name}"] = row
                line.append(cell(row))
                print(network, option, name, line[-1], file=sys.stderr, flush=True)
        head = ["repairs"] + [NETWORKS.get(network, network) for network in wanted]
        text += f"### {option}\n\nSame answers % / dB / top-1 %.\n\n" + table.markdown(head, rows) + "\n"
        with open(os.path.join(arguments.out, "ablation.md"), "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(arguments.out, "ablation.json"), "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    print(text)


if __name__ == "__main__":
    main()
