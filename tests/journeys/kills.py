# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is killed at whatever instant: the history opens, and every version has its file.

FEATHERWEIGHT_KILLS says how often; FEATHERWEIGHT_SEED makes the instants the same again.
"""

import os
import random
import signal
import subprocess
import time

import journey

KILLS = int(os.environ.get("FEATHERWEIGHT_KILLS", "5"))
SEED = int(os.environ.get("FEATHERWEIGHT_SEED", "1"))


def one_version_is_kept(j):
    j.random = random.Random(SEED)
    j.model, j.pictures = j.copy_sample(12)
    j.saved = j.home / "saved.onnx"
    started = time.monotonic()
    j.run_cli("shrink", j.model, j.pictures, "--output", j.saved)
    j.job_seconds = time.monotonic() - started
    j.version = str(j.versions()[0]["id"])


def kill_command(j, seconds, *arguments):
    """Ends a command with all that it started, at an instant within SECONDS."""
    process = subprocess.Popen([j.cli, *map(str, arguments)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(j.random.uniform(0, seconds))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_while_shrinking(j):
    """In the window, which is ended or loses its worker towards the end, when versions are kept."""
    j.open(j.model, j.pictures)
    j.click("push button", "Make It Smaller")
    j.wait("progress bar", "Progress")
    time.sleep(j.random.uniform(0.5, 1.2) * j.job_seconds)
    workers = j.workers()
    if workers and j.random.random() < 0.5:
        os.kill(j.random.choice(workers)[0], signal.SIGKILL)
        j.wait("status bar")
    j.end_window(signal.SIGKILL)
    for process, _ in workers:
        journey.eventually("the worker to end", lambda p=process: not journey.is_running(p))


def kill_while_keeping(j):
    kill_command(j, 1.3 * j.job_seconds, "shrink", j.model, j.pictures,
                 "--output", j.home / f"{j.random.random()}.onnx")


def kill_while_using(j):
    kill_command(j, 0.06, "history", "use", j.version)


def kill_while_deleting(j):
    kill_command(j, 0.06, "history", j.random.choice(["delete", "undelete"]), j.version)


def every_kill_leaves_the_history_whole(j):
    ways = [kill_while_shrinking, kill_while_keeping, kill_while_using, kill_while_deleting]
    for number in range(KILLS):
        ways[number % len(ways)](j)
        j.versions()
    print(f"# {KILLS} kills, {len(j.versions())} versions")


def it_can_be_worked_with_afterwards(j):
    j.run_cli("history", "undelete", j.version)
    j.open()
    j.key("ctrl+h")
    j.wait("list", "Versions, the newest first")
    j.close()
    assert int(j.version) in [version["id"] for version in j.versions()]


journey.run("kills", one_version_is_kept, every_kill_leaves_the_history_whole,
            it_can_be_worked_with_afterwards)
