# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the peers' settings, each once, and keeps what came of it."""

import json
import os
import re

from . import environments, measure, process

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")

# The settings of each tool: what its documentation recommends for a CPU, and its default.
SETTINGS = {
    "onnxruntime": ["default", "u8s8-minmax", "u8s8-entropy", "u8s8-percentile",
                    "u8s8-percentile-99.9999", "dynamic", "dynamic-per-tensor", "nbits4",
                    "nbits8"],
    "nncf": ["default", "mixed", "mixed-bias-correction", "transformer", "weights-int8",
             "weights-int8-symmetric", "weights-int4"],
    "neural_compressor": ["static", "static-percentile", "static-entropy", "static-smooth",
                          "dynamic", "rtn4"],
    "quark": ["xint8", "xint8-cle-bc", "a8w8", "a8w8-cle-bc", "u8s8-minmax", "u8s8-percentile",
              "u8s8-bc", "u8s8-cle-bc", "u8s8-adaround"],
}
# Take minutes, or were the best on no classifier (those of Quark are meant for other hardware); only
# where asked for, or made before.
SLOW = {"u8s8-adaround", "xint8", "xint8-cle-bc", "a8w8", "a8w8-cle-bc", "static-entropy",
        "u8s8-percentile-99.9999", "weights-int8-symmetric", "nbits8"}


def settings_of(tool, slow, folder):
    return [name for name in SETTINGS[tool] if slow or name not in SLOW
            or os.path.exists(os.path.join(folder, f"{tool}-{name}.json"))]


def run_setting(folder, venvs, tool, setting, model, calibration, threads, limit):
    """A row; read back where it was made before."""
    base = os.path.join(folder, f"{tool}-{setting}")
    kept = base + ".json"
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return json.load(file)
    output = base + ".onnx"
    request = {"tool": tool, "setting": setting, "model": model, "calibration": calibration,
               "output": output, "report": base + ".report.json"}
    for path in (output, output + ".data", output + "_data", request["report"]):
        if os.path.exists(path):
            os.unlink(path)
    with open(base + ".request.json", "w", encoding="utf-8") as file:
        json.dump(request, file)
    row = {"tool": tool, "setting": setting, "path": output}
    row.update(process.run([environments.python_of(venvs, tool), CHILD, base + ".request.json"],
                           base + ".log", threads, limit))
    try:
        with open(request["report"], encoding="utf-8") as file:
            row.update(json.load(file))
    except OSError:
        row["error"] = (f"stopped after {limit} s" if row["code"] == "limit"
                        else f"the process ended with {row['code']}")
    if "error" not in row and not os.path.exists(output):
        row["error"] = "wrote no file"
    if "error" not in row:
        row["bytes"] = measure.bytes_of(output)
        row["quantized"] = is_changed(output)
        if not row["quantized"]:
            row["error"] = "left everything in float"
    elif os.path.exists(output):
        os.unlink(output)
    with open(kept, "w", encoding="utf-8") as file:
        json.dump(row, file, indent=1)
    return row


def is_changed(path):
    """Whether anything in the file is quantized at all."""
    with open(path, "rb") as file:
        content = file.read()
    return re.search(rb"[Qq]uantizeLinear|MatMulNBits|QLinear|QGemm|Integer|DynamicQuantize|QAttention",
                     content) is not None
