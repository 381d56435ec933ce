# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad surroundings, each with its sentence, and a window that stays."""

import contextlib
import os
import shutil
import sqlite3
import subprocess

import journey


def history_folder(j):
    return j.home / "data" / "featherweight"


@contextlib.contextmanager
def mounted(folder, options):
    """A small disk in place of FOLDER; None where this user may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)],
                          capture_output=True) if os.geteuid() == 0 else None
    if done is None or done.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def ready(j):
    j.open(j.model, j.pictures)
    j.wait("push button", "Make It Smaller", "SENSITIVE")


def expect(j, words, name):
    j.wait("", words, limit=journey.JOB_LIMIT)
    j.screenshot(name)
    assert j.window.poll() is None


def without_onnx_runtime(j):
    j.model, j.pictures = j.copy_sample()
    j.open(j.model, j.pictures, environment={"FW_ONNXRUNTIME": str(j.home / "none.so")})
    expect(j, "ONNX Runtime, which runs the models, was not found.", "no-runtime")
    expect(j, "Install Featherweight again.", "no-runtime")
    j.close()


def with_a_history_that_is_read_only(j):
    with mounted(history_folder(j), "size=1500k,ro") as folder:
        if folder is None:
            return "only root can mount"
        ready(j)
        j.click("push button", "Make It Smaller")
        expect(j, "you may not write to that folder", "read-only")
        j.close()


def with_a_disk_that_is_full_while_keeping(j):
    with mounted(history_folder(j), "size=1500k") as folder:
        if folder is None:
            return "only root can mount"
        ready(j)
        j.click("push button", "Make It Smaller")
        expect(j, "The disk is full", "disk-full")
        # What was measured can be saved elsewhere.
        j.save(j.home / "rescued.onnx")
        expect(j, "Saved as “rescued.onnx”", "rescued")
        j.close()
        j.versions()


def with_a_model_that_was_moved(j):
    ready(j)
    moved = j.model.rename(j.model.with_name("moved.onnx"))
    j.click("push button", "Make It Smaller")
    expect(j, "does not exist", "moved")
    moved.rename(j.model)
    j.click("push button", "Make It Smaller")
    j.wait("status bar", "Recommended:", limit=journey.JOB_LIMIT)
    assert not j.find("alert"), j.tree()


def with_a_model_that_was_changed_since(j):
    with j.model.open("r+b") as model:
        model.seek(1000000)
        model.write(b"changed!")
    j.key("ctrl+d")
    expect(j, "The original model has changed since this version was made of it.", "changed")
    j.close()
    shutil.copy(j.sample / "model.onnx", j.model)


def with_a_history_of_a_newer_version(j):
    database = sqlite3.connect(history_folder(j) / "history.db")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    database.execute("PRAGMA user_version = 999")
    database.commit()
    j.open()
    j.key("ctrl+h")
    expect(j, "The history was written by a newer version of Featherweight.", "newer")
    j.close()
    database.execute(f"PRAGMA user_version = {version}")
    database.commit()
    database.close()


def with_a_history_that_is_damaged(j):
    before = {version["sha256"] for version in j.versions()}
    for beside in history_folder(j).glob("history.db-*"):
        beside.unlink()
    (history_folder(j) / "history.db").write_bytes(b"garbage" * 5000)
    j.open()
    j.key("ctrl+h")
    expect(j, "The history was damaged and has been set aside", "damaged")
    j.wait("list item", "Version 1.")
    j.close()
    assert {version["sha256"] for version in j.versions()} == before


journey.run("surroundings",
            without_onnx_runtime,
            with_a_history_that_is_read_only,
            with_a_disk_that_is_full_while_keeping,
            with_a_model_that_was_moved,
            with_a_model_that_was_changed_since,
            with_a_history_of_a_newer_version,
            with_a_history_that_is_damaged)
