# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs featherweight-cli as a user would, on the calibration half alone."""

import json
import os
import shutil

from . import measure, process

FIRST_STOP = '"event":"stop"'


def run(cli, arguments, log, threads=1, limit=1800, history=None, watch=None):
    """What process.run() says, with the result of the job or the error."""
    environment = {"XDG_DATA_HOME": history or os.path.dirname(log)}
    row = process.run([cli] + arguments + ["--json", "--threads", str(threads)], log, threads,
                      limit, environment, watch)
    row["stops"] = []
    for event in read_events(log):
        if event.get("event") == "result":
            row["result"] = event
        elif event.get("event") == "error":
            row["error"] = f"{event.get('message')} {event.get('hint') or ''}".strip()
    if "result" not in row and "error" not in row:
        row["error"] = (f"stopped after {limit} s" if row["code"] == "limit"
                        else f"the process ended with {row['code']}: {last_line(log)}")
    return row


def read_events(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def last_line(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1][:200] if lines else ""


def about(samples):
    """Options that say what is known of the samples."""
    options = []
    for name, option in (("labels.csv", "--labels"), ("preprocess.json", "--preprocess")):
        path = os.path.join(samples, name)
        if os.path.exists(path):
            options += [option, path]
    return options


def clear(path):
    for name in (path, path + ".data", path + "_data"):
        if os.path.exists(name):
            os.unlink(name)


def plain(cli, model, given, known, folder, option, threads=1, extra=(), name=None):
    """One file of one option, without ranking and measuring."""
    name = name or "featherweight-" + option.replace("/", "-")
    output = os.path.join(folder, name + ".onnx")
    clear(output)
    row = run(cli, ["shrink", model] + given + ["--uniform", option, "--no-measure", "-o", output]
              + known + list(extra), os.path.join(folder, name + ".log"), threads)
    return finish({"tool": "featherweight", "setting": "plain " + option, "path": output}, row)


def between(cli, model, given, known, folder, share, threads=1):
    """The version of at most @share percent of the bytes."""
    output = os.path.join(folder, f"featherweight-{share}.onnx")
    clear(output)
    row = run(cli, ["shrink", model] + given + ["--prefer", "size", "--max-size", f"{share}%", "-o",
                                                output] + known,
              os.path.join(folder, f"featherweight-{share}.log"), threads)
    return finish({"tool": "featherweight", "setting": f"at most {share} %", "path": output,
                   "prefer": "size"}, row)


def path(cli, model, given, known, folder, prefer, threads=1):
    """Every stop: a list of rows, and the job's own."""
    output = os.path.join(folder, f"featherweight-path-{prefer}")
    shutil.rmtree(output, ignore_errors=True)
    job = run(cli, ["path", model] + given + ["--prefer", prefer, "-o", output] + known,
              os.path.join(folder, f"featherweight-path-{prefer}.log"), threads,
              watch=FIRST_STOP)
    rows = []
    try:
        with open(os.path.join(output, "stops.json"), encoding="utf-8") as file:
            stops = json.load(file)["stops"]
    except (OSError, ValueError, KeyError):
        stops = []
    files = sorted(name for name in os.listdir(output) if name.endswith(".onnx")) if stops else []
    for stop, name in zip(stops, files):
        file = os.path.join(output, os.path.basename(stop.get("path") or name))
        rows.append({"tool": "featherweight", "setting": f"stop {name[5:-5]}, {prefer}",
                     "path": file, "bytes": measure.bytes_of(file),
                     "own": {key: stop.get(key) for key in ("same", "sqnr_db", "speedup",
                                                            "recommended", "options")}})
    return rows, job


def finish(row, job):
    result = job.pop("result", None)
    job.pop("stops", None)
    row.update(job)
    if "error" not in row and not os.path.exists(row["path"]):
        row["error"] = "wrote no file"
    if "error" not in row:
        row["bytes"] = measure.bytes_of(row["path"])
        row["own"] = {key: result.get(key) for key in ("same", "sqnr_db", "speedup", "options",
                                                       "latency_ms", "warnings")}
    return row
