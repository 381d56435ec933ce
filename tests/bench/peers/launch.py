# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one program and says how long it took and how much memory: launch.py REQUEST, in JSON.

A process of its own, because the kernel counts what a process had before it became another program
as that program's peak: this one is small.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time


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


def launch(command, log, threads, limit, watch):
    processors = sorted(os.sched_getaffinity(0))[-threads:]
    os.sched_setaffinity(0, processors)
    late = threading.Event()
    start = time.perf_counter()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True)

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


if __name__ == "__main__":
    print(json.dumps(launch(**json.loads(sys.argv[1]))))
