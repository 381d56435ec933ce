# SPDX-License-Identifier: GPL-3.0-or-later

"""A scratch virtual environment for each peer, since their demands conflict."""

import os
import subprocess
import sys
import venv

RUNTIME = "onnxruntime==1.30.0"
COMMON = [RUNTIME, "onnx", "numpy", "pillow"]

# What is measured with, then the peers. Packages that a peer imports without asking for them are
# listed too.
PACKAGES = {
    "base": COMMON + ["psutil"],
    "onnxruntime": COMMON + ["sympy", "onnx-ir"],
    "nncf": COMMON + ["nncf"],
    "neural_compressor": COMMON + ["onnx-neural-compressor", "prettytable", "scipy"],
    "quark": COMMON + ["amd-quark", "torch"],
}
TOOLS = [name for name in PACKAGES if name != "base"]


def python_of(folder, name):
    return os.path.join(folder, name, "bin", "python")


def install(folder, name):
    """None, or why it can't be installed."""
    home = os.path.join(folder, name)
    done = os.path.join(home, "installed")
    if os.path.exists(done):
        return None
    print(f"installing {name} …", file=sys.stderr, flush=True)
    venv.create(home, with_pip=True, clear=True)
    for packages in (PACKAGES[name],):
        result = subprocess.run(
            [python_of(folder, name), "-m", "pip", "install", "--quiet"] + packages,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode != 0:
            lines = [line for line in result.stdout.splitlines() if "ERROR" in line]
            return (lines or result.stdout.splitlines() or ["pip failed"])[-1][:300]
    with open(done, "w", encoding="utf-8") as file:
        file.write("\n".join(PACKAGES[name]) + "\n")
    return None


def versions(folder, name):
    """The installed packages and their versions."""
    result = subprocess.run([python_of(folder, name), "-m", "pip", "list", "--format=freeze"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            check=False)
    return dict(line.split("==", 1) for line in result.stdout.splitlines() if "==" in line)
