#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later

"""Featherweight beside every tool that could be picked instead, on the same models and samples.

Makes a scratch virtual environment for each peer, has each tool make files from the calibration
half of each model's samples, and measures all of them alike on the other half. See README.md.
"""

import argparse
import json
import os
import sys
import traceback

from peers import environments, options  # the folder beside this script

# Where only time, memory and size mean something.
RESNET50_SETTINGS = {
    "onnxruntime": ["default", "u8s8-minmax", "u8s8-entropy"],
    "nncf": ["default", "mixed"],
    "neural_compressor": ["static"],
    "quark": ["u8s8-minmax", "u8s8-bc"],
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_common(parser)
    parser.add_argument("--tools", nargs="*", default=environments.TOOLS, help="peers to run")
    parser.add_argument("--prefer", nargs="*", default=["size", "speed", "both"],
                        help="preferences that our program is run with")
    parser.add_argument("--slow", action="store_true", help="settings that take minutes, too")
    parser.add_argument("--limit", type=int, default=600, help="seconds for a setting")
    parser.add_argument("--out", help="results.json and table.md go there; the work folder")
    parser.add_argument("models", nargs="*", help="names of models; all without any")
    arguments = parser.parse_args()
    options.settle(arguments)
    arguments.out = arguments.out or arguments.work
    return arguments


def try_model(real, model, installed, arguments):
    from peers import samples, trial

    one = trial.Trial(real, model, arguments.work)
    is_random = model is samples.RESNET50
    rows = one.run_peers(arguments.venv, installed, arguments,
                         RESNET50_SETTINGS if is_random else None)
    ours, jobs = one.run_featherweight(arguments.cli, arguments)
    held = [row for row in rows if "error" not in row]
    offered = [row for row in ours if row.get("plain") or row.get("recommended")]
    float_time = one.time(held + [row for row in ours if row in offered
                                  or row.get("prefer") in ("speed", "both")], arguments)
    matched = []
    for row in held:
        mine = trial.match(ours, row["bytes"])
        row["against"] = trial.hold_against(row, mine)
        matched.append(mine)
        if row.get("latency"):
            mine = trial.match(ours, row["bytes"], max(row["latency"]["high"], 1e-9))
            row["against_fast"] = trial.hold_against(row, mine)
            matched.append(mine)
    one.ask_between(arguments, ours, held)
    best = {tool: trial.best_of(rows, tool) for tool in installed}
    shown = rows if is_random else trial.worth_showing(rows, installed)
    shown = shown + offered + [
        row for row in ours if row not in offered and row in matched
        and any(trial.is_against(other, row) for other in shown)]
    test = next((row["test"] for row in rows + ours if "test" in row), {})
    return {
        "name": model.name, "bytes": one.bytes, "upgrade": one.upgrade,
        "float_ms": float_time["ms"] if float_time else None,
        "original_right": test.get("original_right"), "labelled": test.get("labelled"),
        "rows": rows, "ours": ours, "best": best, "shown": shown,
        "jobs": {prefer: {key: value for key, value in job.items()
                          if key not in ("result", "stops")} for prefer, job in jobs.items()},
    }


def keep(entry, arguments):
    folder = os.path.join(arguments.out, "models")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, entry["name"] + ".json"), "w", encoding="utf-8") as file:
        json.dump(entry, file)


def kept(arguments):
    """What was measured of each model, now or before."""
    from peers import samples

    for model in samples.MODELS + [samples.RESNET50]:
        path = os.path.join(arguments.out, "models", model.name + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                yield json.load(file)


def write(entries, installed, versions, arguments):
    from peers import table

    text = ""
    for key, words in (("against", "at no more bytes"),
                       ("against_fast", "at no more bytes and no more time")):
        text += f"## Ours against the best setting of each tool, {words}\n\n"
        text += table.summary(entries, installed, key)
        text += f"\n### Settings that did better than ours {words}\n\n"
        text += table.losses(entries, key) + "\n"
    text += "## Each model\n\n" + "\n".join(table.of_model(entry) for entry in entries)
    with open(os.path.join(arguments.out, "table.md"), "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(arguments.out, "results.json"), "w", encoding="utf-8") as file:
        json.dump({"threads": arguments.threads, "versions": versions, "installed": installed,
                   "models": entries}, file, indent=1)
    return text


def main():
    arguments = parse()
    options.inside(arguments)
    from peers import samples

    installed = {tool: environments.install(arguments.venv, tool) for tool in arguments.tools}
    versions = {tool: environments.versions(arguments.venv, tool)
                for tool, why in installed.items() if why is None}
    real = samples.Collection(arguments.real)
    text = ""
    for model in samples.MODELS + [samples.RESNET50]:
        if arguments.models and model.name not in arguments.models:
            continue
        print(model.name, "…", file=sys.stderr, flush=True)
        try:
            keep(try_model(real, model, installed, arguments), arguments)
        except Exception:  # the other models go on
            traceback.print_exc()
        entries = list(kept(arguments))
        if entries:
            text = write(entries, installed, versions, arguments)
    print(text)


if __name__ == "__main__":
    main()
