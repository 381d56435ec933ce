# SPDX-License-Identifier: GPL-3.0-or-later
"""The work is cancelled, the worker dies, the window dies: what was there stays usable."""

import os
import re
import signal

import journey

# Says that at least one version has been measured.
SMALLER = re.compile("Size: .*smaller")


def begin(j):
    j.click("push button", "Make It Smaller")
    j.wait("progress bar", "Progress")


def cancelling_leaves_what_was_measured(j):
    j.model, j.pictures = j.copy_sample(120)
    j.open(j.model, j.pictures)
    begin(j)
    j.wait("panel", SMALLER, limit=journey.JOB_LIMIT)
    j.click("push button", "Cancel")
    j.wait("status bar", "Stopped after")
    journey.eventually("the worker to end", lambda: not j.workers())
    j.wait("push button", "Continue", "SENSITIVE")
    j.wait("push button", "Save…", "SENSITIVE")
    j.wait_gone("progress bar", "Progress")
    j.screenshot("cancelled")


def it_can_go_on(j):
    j.click("push button", "Continue")
    j.wait("progress bar", "Progress")
    j.wait("push button", "Cancel", "SENSITIVE")


def the_workers_death_is_told(j):
    workers = journey.eventually("a worker", j.workers)
    os.kill(workers[0][0], signal.SIGKILL)
    said = j.wait("alert").all_text()
    j.screenshot("worker-killed")
    assert "ended unexpectedly" in said, said
    assert "Copy Details" in said, said
    journey.eventually("what the worker began to end too", lambda: not j.workers())


def the_window_stays(j):
    j.key("Escape")
    if j.find("push button", "Close", "SENSITIVE") is None:
        raise journey.Failure("the window is gone")
    assert j.window.poll() is None
    j.close()


def a_killed_window_takes_its_worker_along(j):
    j.open(j.model, j.pictures)
    begin(j)
    j.wait("panel", SMALLER, limit=journey.JOB_LIMIT)
    workers = [process for process, _ in journey.eventually("a worker", j.workers)]
    j.end_window(signal.SIGKILL)
    journey.eventually("the worker to end", lambda: not any(map(journey.is_running, workers)))


def it_starts_again_as_if_nothing_had_been(j):
    j.versions()
    j.open(j.model, j.pictures)
    previews = j.home / "cache" / "featherweight" / "previews"
    j.wait("push button", "Make It Smaller", "SENSITIVE")
    left = [entry.name for entry in previews.iterdir()]
    assert left == [str(j.window.pid)], left
    begin(j)
    j.close()
    assert not any(previews.iterdir()), list(previews.iterdir())


journey.run("interruptions",
            cancelling_leaves_what_was_measured,
            it_can_go_on,
            the_workers_death_is_told,
            the_window_stays,
            a_killed_window_takes_its_worker_along,
            it_starts_again_as_if_nothing_had_been)
