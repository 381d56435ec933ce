# SPDX-License-Identifier: GPL-3.0-or-later

"""One program run on its own: how long, how much memory."""

import json
import os
import subprocess
import sys

LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")


def run(command, log, threads=1, limit=900, environment=None, watch=None):
    """Runs @command on as many processors as it may use threads, its words going to @log.

    seconds, processor_seconds, peak_bytes (of the largest process it waited for) and code. One that
    takes longer than @limit seconds is killed with its children; its code is then "limit". "first"
    are the seconds until it said @watch.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    variables = dict(os.environ, **{name: str(threads) for name in names}, **(environment or {}))
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    request = {"command": command, "log": log, "threads": threads, "limit": limit, "watch": watch}
    result = subprocess.run([sys.executable, "-I", "-S", LAUNCH, json.dumps(request)],
                            stdout=subprocess.PIPE, env=variables, check=False)
    if result.returncode != 0:
        return {"seconds": 0, "processor_seconds": 0, "peak_bytes": 0, "code": "no start",
                "first": None}
    return json.loads(result.stdout)
