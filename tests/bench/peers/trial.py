# SPDX-License-Identifier: GPL-3.0-or-later

"""One model: every tool on the same calibration half, every file on the same test half."""

import json
import math
import os
import sys

from . import featherweight, measure, samples, statistics, tools, upgrade

MOST_ASKED = 1  # sizes between stops


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Trial:
    """A model of the collection in a folder of its own."""

    def __init__(self, real, model, work):
        self.model = model
        self.folder = os.path.join(work, model.name)
        self.files = os.path.join(self.folder, "files")
        self.samples = os.path.join(self.folder, "samples")
        self.calibration = os.path.join(self.samples, "calibration")
        os.makedirs(self.files, exist_ok=True)
        self.path = self.prepare_model(real)
        samples.make(real, model, self.samples)
        self.halves = {half: samples.read_half(self.samples, half)
                       for half in ("calibration", "test")}
        known = samples.read_labels(self.samples)
        self.labels = {half: [known.get(os.path.splitext(name)[0]) for name in names]
                       for half, (names, _) in self.halves.items()}
        self.originals = {half: measure.run_all(self.path, feeds)
                          for half, (_, feeds) in self.halves.items()}
        self.bytes = measure.bytes_of(self.path)
        self.upgraded = os.path.join(self.folder, "prepared.onnx")
        self.upgrade = self.prepare_for_peers()

    def prepare_model(self, real):
        if self.model is not samples.RESNET50:
            return real.model(self.model.path)
        path = os.path.join(self.folder, self.model.path)
        samples.inflate(real, path)
        return path

    def prepare_for_peers(self):
        note = os.path.join(self.folder, "prepared.txt")
        if not os.path.exists(note):
            words = upgrade.upgrade(self.path, self.upgraded, self.halves["calibration"][1][0])
            with open(note, "w", encoding="utf-8") as file:
                file.write(words)
        with open(note, encoding="utf-8") as file:
            return file.read()

    def measure(self, row, halves=("calibration", "test")):
        """Adds what the file of a row answers."""
        for half in halves:
            if "error" in row:
                return
            try:
                outputs = measure.run_all(row["path"], self.halves[half][1])
                row[half] = measure.compare(self.model.answer, self.originals[half], outputs,
                                            self.labels[half])
            except Exception as error:  # whatever ONNX Runtime may raise
                lines = str(error).strip().splitlines()
                row["error"] = f"does not run: {lines[0][:200] if lines else error!r}"

    def run_peers(self, venvs, installed, arguments, only=None):
        """A row for each setting of each tool; from the folder where they were made before."""
        rows = []
        for tool, why in installed.items():
            if why is not None:
                rows.append({"tool": tool, "setting": "", "error": f"can't be installed: {why}"})
                continue
            for setting in (only or {}).get(tool, tools.settings_of(tool, arguments.slow,
                                                                     self.files)):
                row = tools.run_setting(self.files, venvs, tool, setting, self.upgraded,
                                        self.calibration, arguments.threads, arguments.limit)
                self.measure_once(row)
                rows.append(row)
        return rows

    def measure_once(self, row):
        base, _ = os.path.splitext(row.get("path", ""))
        kept = base + ".measured.json"
        if "error" in row:
            return
        if os.path.exists(kept):
            with open(kept, encoding="utf-8") as file:
                row.update(json.load(file))
            return
        self.measure(row)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump({key: row[key] for key in ("calibration", "test", "error") if key in row},
                      file)

    def run_featherweight(self, cli, arguments):
        """The recommended stops, one plain file, all stops of each preference."""
        common = (cli, self.path, samples.given(self.samples, "calibration"),
                  featherweight.about(self.samples), self.files)
        rows = [featherweight.plain(*common, "int8-compute", arguments.threads)]
        rows[0]["plain"] = True
        jobs = {}
        for prefer in arguments.prefer:
            stops, job = featherweight.path(*common, prefer, arguments.threads)
            jobs[prefer] = job
            if "error" in job:
                rows.append({"tool": "featherweight", "setting": f"recommended, {prefer}",
                             "error": job["error"], "seconds": job["seconds"],
                             "peak_bytes": job["peak_bytes"], "recommended": True})
            for row in stops:
                row.update({key: job[key] for key in ("seconds", "peak_bytes", "first")})
                row["prefer"] = prefer
                if row["own"]["recommended"]:
                    row["recommended"] = True
                    row["setting"] = f"recommended, {prefer}"
            rows += stops
        for row in rows:
            self.measure(row, ("test",))
        return rows, jobs

    def ask_between(self, arguments, ours, held):
        """Where a peer's file lies between two stops and beats the smaller, asks for that size."""
        sizes = sorted({row["bytes"] for row in held if is_lost(row)}, reverse=True)
        for count in sizes[:MOST_ASKED]:
            share = math.floor(1e4 * count / self.bytes) / 100
            row = featherweight.between(
                arguments.cli, self.path, samples.given(self.samples, "calibration"),
                featherweight.about(self.samples), self.files, share, arguments.threads)
            self.measure(row, ("test",))
            ours.append(row)
        for row in held:
            if is_lost(row):
                row["against"] = hold_against(row, match(ours, row["bytes"]))

    def time(self, rows, arguments):
        rows = [row for row in rows if "error" not in row]
        paths = [self.path] + [row["path"] for row in rows]
        result = measure.latency(paths, self.halves["test"][1][0], arguments.threads,
                                 arguments.seconds)
        for row, value in zip(rows, result[1:]):
            row["latency"] = value
        return result[0]


def score(row, half="calibration"):
    """What settings are chosen by: decibels, and same answers where there are no decibels."""
    figures = row[half]
    decibels = figures["sqnr_db"]
    return (decibels if decibels is not None else -100.0, figures["same"])


def best_of(rows, tool):
    mine = [row for row in rows if row["tool"] == tool and "error" not in row]
    return max(mine, key=score) if mine else None


def match(stops, limit, ratio=None):
    """The stop of at most @limit bytes, and at most @ratio of the float model's latency, that
    Featherweight itself found the most faithful."""
    fitting = [row for row in stops if "error" not in row and "prefer" in row
               and row["bytes"] <= limit and (ratio is None or is_as_fast(row, ratio))]
    return max(fitting, key=own_score) if fitting else None


def is_as_fast(row, ratio):
    return row.get("latency") is not None and row["latency"]["low"] <= ratio


def own_score(row):
    own = row["own"]
    decibels = own.get("sqnr_db")
    return (decibels if isinstance(decibels, (int, float)) else 999.0, row["bytes"])


def hold_against(row, mine):
    """How a peer's row compares to the stop @mine; None where there is none."""
    if mine is None:
        return None
    theirs, ours = row["test"], mine["test"]
    return {
        "setting": mine["setting"], "bytes": mine["bytes"],
        "same": ours["same"], "sqnr_db": ours["sqnr_db"], "right": ours.get("right"),
        "p_same": statistics.mcnemar(theirs["same_list"], ours["same_list"]),
        "p_right": statistics.mcnemar(theirs["right_list"], ours["right_list"])
                   if "right_list" in theirs else None,
    }


def is_lost(row):
    """Whether a peer's file had more same answers or decibels than ours of its size."""
    against = row.get("against")
    if against is None:
        return True
    theirs = row["test"]
    return against["same"] < theirs["same"] or (
        None not in (against["sqnr_db"], theirs["sqnr_db"])
        and against["sqnr_db"] < theirs["sqnr_db"])


def is_against(row, mine):
    """Whether a peer's row is held against @mine, at its size or at its size and speed."""
    return any((row.get(key) or {}).get("setting") == mine["setting"]
               for key in ("against", "against_fast"))


def worth_showing(rows, tools_run):
    """Of each tool its best, its fastest and its smallest setting; or why it has none."""
    shown = []
    for tool in tools_run:
        mine = [row for row in rows if row["tool"] == tool]
        done = [row for row in mine if "error" not in row]
        if not done:
            shown += mine[:1]
            continue
        timed = [row for row in done if row.get("latency")]
        picks = [best_of(done, tool), min(done, key=lambda row: row["bytes"])]
        picks += [min(timed, key=lambda row: row["latency"]["ratio"])] if timed else []
        shown += [row for row in done if any(row is pick for pick in picks)]
    return shown
