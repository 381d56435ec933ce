# SPDX-License-Identifier: GPL-3.0-or-later

"""What all the scripts have in common."""

import os
import sys

from . import environments

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


def add_common(parser):
    """Options that all the scripts here have."""
    default = os.environ.get("FW_REAL", os.path.join(ROOT, "..", "shared", "real"))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), help="the build folder")
    parser.add_argument("--real", default=default, help="the collection of models and samples")
    parser.add_argument("--venv", help="virtual environments; bench/venv in the build folder")
    parser.add_argument("--work", help="samples and files; bench/work in the build folder")
    parser.add_argument("--threads", type=int, default=1, help="for every tool and run")
    parser.add_argument("--seconds", type=float, default=2, help="of latency for each file")


def settle(arguments):
    """Fills in what depends on the build folder; all paths absolute."""
    bench = os.path.join(arguments.build, "bench")
    arguments.venv = os.path.abspath(arguments.venv or os.path.join(bench, "venv"))
    arguments.work = os.path.abspath(arguments.work or os.path.join(bench, "work"))
    arguments.real = os.path.abspath(arguments.real)
    arguments.cli = os.path.join(os.path.abspath(arguments.build),
                                 "src", "worker", "featherweight-cli")


def inside(arguments):
    """Goes on in the base environment, which has what is measured with."""
    python = environments.python_of(arguments.venv, "base")
    if os.path.dirname(os.path.dirname(python)) == sys.prefix:
        return
    error = environments.install(arguments.venv, "base")
    if error is not None:
        sys.exit(f"ONNX Runtime's package can't be installed: {error}")
    os.execv(python, [python] + sys.argv)
