# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way with the keyboard alone. The tree is only looked at, and the pointer stays away."""

import journey


def answer(j, keys, path, given=None):
    """What KEYS ask for is answered by writing a path, in place of the one that is GIVEN."""
    before = set(j.windows())
    j.key(keys)
    dialog = journey.eventually("a dialog", lambda: set(j.windows()) - before).pop()
    j.focus(dialog)
    if given is not None:
        j.wait("text", given, "FOCUSED")
        j.key("ctrl+a")
    # In a dialog that opens files, the first letter of a path brings a field for it.
    j.type(path)
    journey.eventually("the path to be written", lambda: j.find("text", str(path)))
    j.key("Return")
    journey.eventually("the dialog to close", lambda: dialog not in j.windows())
    j.focus()


def focused(j):
    return j.find("", "", "FOCUSED")


def a_model_is_opened(j):
    j.model, j.pictures = j.copy_sample()
    j.open()
    j.wait("label", "Drop a model here")
    answer(j, "ctrl+o", j.model)
    j.wait("label", "Recognizes which of 12 things a picture shows.")
    j.screenshot("model")


def a_folder_is_chosen(j):
    answer(j, "ctrl+shift+o", j.pictures)
    j.wait("label", "24 pictures")
    j.wait("push button", "Make It Smaller", "SENSITIVE")
    j.screenshot("samples")


def versions_are_made(j):
    j.key("ctrl+Return")
    j.wait("status bar", "Recommended:", limit=journey.JOB_LIMIT)


def the_slider_is_reached_and_moved(j):
    for _ in range(30):
        node = focused(j)
        if node is not None and node.role == "slider":
            break
        j.key("Tab")
    slider = j.wait("slider", "Version, from smallest to most faithful", "FOCUSED")
    recommended = slider.value
    j.key("Right")
    journey.eventually("the next version", lambda: slider.value > recommended)
    j.screenshot("next-version")
    j.key("End")
    j.wait("panel", "Size: The original size")
    j.key("Home")
    journey.eventually("the smallest version", lambda: slider.value <= recommended)
    while slider.value < recommended:
        j.key("Right")
    j.wait("status bar", "Recommended:")


def versions_are_compared(j):
    j.key("ctrl+d")
    divider = j.wait("slider", "Divider between the two versions", limit=journey.JOB_LIMIT)
    for key, value in (("1", 100), ("3", 0), ("2", 50)):
        j.key(key)
        journey.eventually(f"the divider at {value}", lambda v=value: divider.value == v)
    j.key("alt+Left")
    j.wait("label", "Choose a Version")


def the_version_is_saved(j):
    j.saved = j.home / "saved.onnx"
    answer(j, "ctrl+s", j.saved, "smaller.onnx")
    j.wait("label", "Saved as “saved.onnx”")


def the_file_is_exported(j):
    j.key("ctrl+e")
    j.wait("list item", "Android", "FOCUSED")
    j.screenshot("export")
    j.key("Down", "Down", "Down")
    j.wait("list item", "Somewhere Else", "FOCUSED")
    j.exported = j.home / "exported.onnx"
    answer(j, "Return", j.exported, ".onnx")
    j.wait("label", "Ready to Take Along", limit=journey.JOB_LIMIT)
    j.screenshot("exported")


def it_is_what_the_history_holds_and_answers_the_same(j):
    kept = j.versions()[0]
    assert journey.sha256(j.exported) == kept["sha256"] == journey.sha256(j.saved)
    compared = j.run_cli("compare", j.model, j.exported, j.pictures)["same"]
    assert (compared["same"], compared["total"]) == (kept["same"]["same"], kept["same"]["total"])


def the_history_is_opened(j):
    j.key("ctrl+h")
    j.wait("list item", "Version 1.")
    j.wait("", "", "FOCUSED")
    j.screenshot("history")
    j.close()


journey.run("keyboard",
            a_model_is_opened,
            a_folder_is_chosen,
            versions_are_made,
            the_slider_is_reached_and_moved,
            versions_are_compared,
            the_version_is_saved,
            the_file_is_exported,
            it_is_what_the_history_holds_and_answers_the_same,
            the_history_is_opened)
