# SPDX-License-Identifier: GPL-3.0-or-later

"""One program run on its own: how long, how much memory."""

import os
import signal
import subprocess
import threading
import time


def run(command, log, threads=1, limit=900, environment=None, watch=None):
    """Runs @command on as many processors as it may use threads, its words going to @log.

    seconds, peak_bytes (of the largest process it waited for) and code. One that takes longer than
    @limit seconds is killed with its children; its code is then "limit". "first" are the seconds
    until it said @watch.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    variables = dict(os.environ, **{name: str(threads) for name in names}, **(environment or {}))
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    processors = sorted(os.sched_getaffinity(0))[-threads:]
    start = time.perf_counter()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env=variables, start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, processors))
        late = threading.Event()

        def kill():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, kill)
        timer.start()
        first = wait_for(watch, log, process, start) if watch else None
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": time.perf_counter() - start,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "code": "limit" if late.is_set() else process.returncode,
        "first": first,
    }


def wait_for(words, log, process, start):
    """Seconds until @words are in @log; None where the process ends without them."""
    with open(log, encoding="utf-8", errors="replace") as file:
        text = ""
        while True:
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            text = text[-len(words):] + file.read()
            if words in text:
                return time.perf_counter() - start
            if ended is not None:
                return None
            time.sleep(0.005)
