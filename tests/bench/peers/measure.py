# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file answers and how long it takes, in the same way for every tool."""

import math
import os
import time

import numpy as np
import onnxruntime

from . import answers, statistics


def session(path, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run_all(path, feeds, threads=1):
    """The outputs of each sample."""
    model = session(path, threads)
    names = [value.name for value in model.get_inputs()]
    if feeds and len(names) == 1 and names[0] not in feeds[0]:
        feeds = [{names[0]: next(iter(feed.values()))} for feed in feeds]
    return [model.run(None, feed) for feed in feeds]


def bytes_of(path):
    """The file and what it stores beside itself."""
    total = os.path.getsize(path)
    for suffix in (".data", "_data"):
        if os.path.exists(path + suffix):
            total += os.path.getsize(path + suffix)
    return total


def total_sqnr(originals, others):
    """Mean decibels over the outputs that are numbers with a fraction; None without any."""
    decibels = []
    for i, value in enumerate(originals[0]):
        if np.issubdtype(value.dtype, np.floating):
            one = np.concatenate([outputs[i].ravel() for outputs in originals])
            other = np.concatenate([outputs[i].ravel() for outputs in others])
            decibels.append(answers.sqnr(one, other) if one.shape == other.shape else -99.0)
    return sum(decibels) / len(decibels) if decibels else None


def compare(kind, originals, others, labels=None):
    """Of one half: same answers, decibels, and the right ones where labels are known."""
    same = []
    for one, other in zip(originals, others):
        same.append(bool(answers.SAME[kind](one, other)))
    count, total = sum(same), len(same)
    result = {
        "same": count,
        "total": total,
        "same_interval": statistics.wilson(count, total),
        "same_list": same,
        "sqnr_db": total_sqnr(originals, others),
        "not_finite": sum(
            any(not np.isfinite(b).all() and np.isfinite(a).all()
                for a, b in zip(one, other) if np.issubdtype(a.dtype, np.floating))
            for one, other in zip(originals, others)),
    }
    if labels is not None and any(label is not None for label in labels):
        result["right_list"] = [read_class(kind, other) == label
                                for other, label in zip(others, labels) if label is not None]
        result["original_right_list"] = [read_class(kind, one) == label
                                         for one, label in zip(originals, labels)
                                         if label is not None]
        result["right"] = sum(result["right_list"])
        result["original_right"] = sum(result["original_right_list"])
        result["labelled"] = len(result["right_list"])
        result["p_float"] = statistics.mcnemar(result["original_right_list"],
                                               result["right_list"])
    return result


def read_class(kind, outputs):
    if kind == "label":
        return int(np.ravel(outputs[0])[0])
    return int(np.argmax(outputs[0]))


def latency(paths, feed, threads=1, seconds=4.0, rounds=60):
    """Ratios to the first of @paths, in turns, so that what else the machine does hits all alike.

    With one thread it is the time that the thread computed: on a busy machine, a slower model waits
    for its turn more often than a faster one, too. A list of ratio, low, high and ms; None for a
    file that can't be run.
    """
    sessions = []
    for path in paths:
        try:
            model = session(path, threads)
            names = [value.name for value in model.get_inputs()]
            mine = feed if names[0] in feed else {names[0]: next(iter(feed.values()))}
            for _ in range(3):
                model.run(None, mine)
            sessions.append((model, mine))
        except Exception:  # whatever ONNX Runtime may raise
            sessions.append(None)
    if sessions[0] is None:
        return [None] * len(paths)
    times = [[] for _ in paths]
    clock = time.thread_time if threads == 1 else time.perf_counter
    repeats = repeats_of(sessions[0], clock)
    end = time.perf_counter() + seconds * max(1, sum(entry is not None for entry in sessions))
    while len(times[0]) < 5 or (len(times[0]) < rounds and time.perf_counter() < end):
        for i, entry in enumerate(sessions):
            if entry is not None:
                times[i].append(run_for(entry, repeats, clock))
    result = []
    for i, entry in enumerate(sessions):
        if entry is None:
            result.append(None)
            continue
        ratios = [mine / base for mine, base in zip(times[i], times[0])]
        low, high = statistics.bootstrap_median(ratios)
        result.append({"ratio": statistics.median(ratios), "low": low, "high": high,
                       "ms": 1000 * statistics.median(times[i])})
    return result


def run_for(entry, repeats, clock):
    """Seconds of a run, the least of @repeats."""
    model, feed = entry
    best = math.inf
    for _ in range(repeats):
        start = clock()
        model.run(None, feed)
        best = min(best, clock() - start)
    return best


def repeats_of(entry, clock):
    return max(1, min(20, int(0.02 / max(run_for(entry, 3, clock), 1e-6))))
