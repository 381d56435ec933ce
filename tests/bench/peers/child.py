# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one setting of one peer in the peer's own virtual environment: child.py REQUEST.json.

The request names the tool, the setting, the model, the folder of calibration samples and where to
write. What it took, or the error, goes to the file named there as well.
"""

import importlib
import json
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    result = {}
    try:
        tool = importlib.import_module("peers.tool_" + request["tool"])
        samples = importlib.import_module("peers.reader").read(request["calibration"])
        start = time.perf_counter()
        tool.SETTINGS[request["setting"]](request["model"], samples, request["output"])
        result["seconds_inside"] = time.perf_counter() - start
    except BaseException as error:  # a peer may raise anything, SystemExit too
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        result["error"] = f"{type(error).__name__}: {lines[-1] if lines else ''}"[:300]
        traceback.print_exc()
    with open(request["report"], "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
