# SPDX-License-Identifier: GPL-3.0-or-later
"""A version is compared, saved, used, deleted, brought back, noted and exported, over two days."""

import pathlib
import zipfile

import journey
from journey import Failure, JOB_LIMIT, eventually, sha256


def act(node, action):
    """Does what a row offers by name."""
    interface = node.accessible.get_action_iface()
    for i in range(interface.get_n_actions()):
        if interface.get_action_name(i) == action:
            interface.do_action(i)
            return
    raise Failure(f"{node} has no {action}")


def version(j, title):
    return j.wait("list item", title + ".")


def undo(j, words):
    """Takes back what a toast says; an older one may still be on its way out."""
    j.wait("label", words)
    eventually("one Undo", lambda: len(j.find_all("push button", "Undo")) == 1)
    j.click("push button", "Undo")


def divider(j):
    return j.wait("slider", "Divider between the two versions", limit=JOB_LIMIT)


def a_version_is_made(j):
    j.model, j.pictures = j.copy_sample()
    j.original = sha256(j.model)
    j.open(j.model, j.pictures)
    j.click("push button", "Make It Smaller")
    j.wait("status bar", "Recommended:", limit=JOB_LIMIT)


def it_is_compared_on_own_pictures(j):
    j.key("ctrl+d")
    divider(j)
    j.wait("label", "stayed the same", limit=JOB_LIMIT)
    j.screenshots("compare")
    for wanted in (100, 0, 50):
        divider(j).value = wanted
        eventually(f"the divider at {wanted}", lambda: divider(j).value == wanted)
    for key, wanted in (("1", 100), ("3", 0), ("2", 50)):
        j.key(key)
        eventually(f"the divider at {wanted}", lambda: divider(j).value == wanted)
    j.key("alt+Left")
    j.wait_gone("slider", "Divider between the two versions")


def it_is_saved(j):
    j.saved = j.home / "mine" / "small.onnx"
    j.save(j.saved)
    eventually("the saved file", j.saved.exists, JOB_LIMIT)
    j.saved_sha256 = sha256(j.saved)
    if j.saved_sha256 not in [kept["sha256"] for kept in j.versions()]:
        raise Failure("what was saved is not what the history holds")
    j.close()


def another_day_the_original_is_used_and_not(j):
    j.open()
    j.key("ctrl+h")
    act(version(j, "Version 1"), "version.use")
    j.wait("status bar", "Version 1 is in use.")
    act(version(j, "Original"), "version.use")
    j.wait("status bar", "Original is in use. The file “small.onnx” was rewritten with it.")
    if sha256(j.saved) != j.original:
        raise Failure("the file was not rewritten")
    j.screenshots("used")
    undo(j, "Original is in use. The file “small.onnx” was rewritten with it.")
    j.wait("status bar", "Version 1 is in use. The file “small.onnx” was rewritten with it.")
    if sha256(j.saved) != j.saved_sha256:
        raise Failure("the undo did not rewrite the file")


def a_file_changed_by_others_is_left_alone(j):
    j.saved.write_bytes(b"somebody else's")
    act(version(j, "Original"), "version.use")
    j.wait("status bar", "The file “small.onnx” was left as it is:")
    if j.saved.read_bytes() != b"somebody else's":
        raise Failure("the file was overwritten")


def a_version_is_deleted_and_brought_back(j):
    act(version(j, "Version 1"), "version.delete")
    j.wait("status bar", "Version 1 was deleted.")
    j.wait_gone("list item", "Version 1.")
    undo(j, "Version 1 was deleted.")
    j.wait("status bar", "Version 1 is back.")
    version(j, "Version 1")
    j.versions()


def a_note_is_written_with_the_keyboard_alone(j):
    j.key("alt+Left")
    j.wait_gone("list", "Versions, the newest first")
    j.key("ctrl+h")
    j.wait("list item", "Version 1.", "FOCUSED")
    j.key("Return")
    j.wait("text", "Note")
    j.key("Tab")
    j.type("for the farm")
    j.key("Return")
    eventually("the note", lambda: any(kept["note"] == "for the farm" for kept in j.versions()))


def a_lost_file_is_made_again(j):
    lost = next(kept for kept in j.versions() if kept["number"] == 1)
    pathlib.Path(lost["file"]).unlink()
    act(version(j, "Version 1"), "version.use")
    j.wait("status bar", "Version 1 is in use.", limit=JOB_LIMIT)
    j.versions()


def a_version_goes_to_a_phone(j):
    act(version(j, "Version 1"), "version.export")
    j.wait("label", "Where Will It Be Used?")
    j.screenshots("export")
    # The first row has the keyboard.
    j.key("Return")
    package = j.home / "mine" / "farm.zip"
    j.choose_file(package, "Export")
    j.wait("status bar", "the answers are right", limit=JOB_LIMIT)
    j.screenshots("exported")
    with zipfile.ZipFile(package) as archive:
        if archive.testzip() is not None:
            raise Failure("the package is damaged")
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        if not {"model.onnx", "README.md", "SHA256SUMS"} <= names:
            raise Failure(f"the package has only {names}")
    j.close()


journey.run("history", a_version_is_made, it_is_compared_on_own_pictures, it_is_saved,
            another_day_the_original_is_used_and_not, a_file_changed_by_others_is_left_alone,
            a_version_is_deleted_and_brought_back, a_note_is_written_with_the_keyboard_alone,
            a_lost_file_is_made_again, a_version_goes_to_a_phone)
