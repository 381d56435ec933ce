# SPDX-License-Identifier: GPL-3.0-or-later
"""From two drops to a saved file, with the pointer and with what screen readers use."""

import journey


def a_dropped_model_is_looked_at(j):
    j.model, j.pictures = j.copy_sample()
    j.open()
    j.wait("label", "Drop a model here")
    j.screenshots("start")
    j.drop(j.model)
    j.wait("label", "Recognizes which of 12 things a picture shows.")
    j.wait("label", "Now drop your own samples")
    j.screenshot("model")


def a_dropped_folder_becomes_the_samples(j):
    j.drop(j.pictures)
    j.wait("label", "24 pictures")
    j.wait("push button", "Make It Smaller", "SENSITIVE")
    j.screenshots("samples")


def versions_come_one_by_one(j):
    j.click("push button", "Make It Smaller")
    j.wait("progress bar", "Progress")
    j.wait("push button", "Cancel", "SENSITIVE")
    j.screenshot("at-work")
    j.wait("status bar", "Recommended:", limit=journey.JOB_LIMIT)
    j.wait_gone("progress bar", "Progress")
    j.wait("image", "Recommended")
    j.wait("panel", "Same Answers: 100%. All 12 answers stayed the same")
    j.screenshots("versions")


def the_slider_goes_from_version_to_version(j):
    slider = j.wait("slider", "Version, from smallest to most faithful", "SENSITIVE")
    recommended = slider.value
    slider.value = 100
    j.wait("panel", "Size: The original size")
    j.wait("status bar", "The star marks the version that is recommended.")
    j.wait_gone("image", "Recommended")
    slider.value = 0
    smallest = j.wait("panel", "smaller.").name
    slider.value = recommended
    j.wait("status bar", "Recommended:")
    # Between two versions the slider takes the nearer one.
    between = recommended + 0.5
    slider.value = between
    journey.eventually("the slider to settle", lambda: slider.value != between)
    slider.value = recommended
    j.wait("status bar", "Recommended:")
    assert "The original has 2.7 MB" in smallest, smallest


def the_answers_can_be_compared(j):
    j.click("push button", "Compare")
    j.wait("label", "All 12 answers stayed the same.")
    divider = j.wait("slider", "Divider between the two versions")
    j.wait("label", "1 of 12")
    first = j.wait("label", "Original: ").name
    divider.value = divider.value / 2
    j.screenshots("compare")
    j.click("push button", "Next Sample")
    j.wait("label", "2 of 12")
    j.click("push button", "Previous Sample")
    j.wait("label", first)
    j.click("push button", "Back")
    j.wait("label", "Choose a Version")


def the_version_can_be_saved(j):
    j.saved = j.home / "saved.onnx"
    j.save(j.saved)
    j.wait("label", "Saved as “saved.onnx”")
    j.screenshot("saved")
    shown = journey.megabytes(j.wait("panel", "Size: ").name)
    size = j.saved.stat().st_size
    assert abs(size / 1e6 - shown) < 0.06, (size, shown)
    assert size < j.model.stat().st_size / 2, size


def the_saved_file_runs_and_answers_the_same(j):
    compared = j.run_cli("compare", j.model, j.saved, j.pictures)
    assert compared["same"]["same"] == compared["same"]["total"] > 0, compared["same"]
    assert journey.sha256(j.saved) in [version["sha256"] for version in j.versions()]
    assert journey.sha256(j.model) == journey.sha256(j.sample / "model.onnx"), "the original changed"


journey.run("drag-and-drop",
            a_dropped_model_is_looked_at,
            a_dropped_folder_becomes_the_samples,
            versions_come_one_by_one,
            the_slider_goes_from_version_to_version,
            the_answers_can_be_compared,
            the_version_can_be_saved,
            the_saved_file_runs_and_answers_the_same)
