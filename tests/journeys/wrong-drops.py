# SPDX-License-Identifier: GPL-3.0-or-later
"""What is dropped by mistake is answered with a sentence, and the window stays."""

import shutil

import journey


def two_models_are_one_too_many(j):
    j.model, j.pictures = j.copy_sample()
    second = shutil.copy(j.model, j.model.with_name("second.onnx"))
    j.open()
    j.wait("label", "Drop a model here")
    j.drop(j.model, second)
    j.wait("label", "That was more than one model. Drop one at a time.")
    j.wait("label", "Drop a model here")
    j.screenshot("two-models")


def a_wrong_file_is_no_model(j):
    wrong = j.home / "letter.onnx"
    wrong.write_text("Dear reader, this is not a model.\n" * 100)
    j.drop(wrong)
    j.sentence = j.wait("alert").all_text()
    j.screenshot("wrong-file")
    assert "model" in j.sentence, j.sentence
    assert "Copy Details" in j.sentence, j.sentence


def the_right_one_mends_it(j):
    j.drop(j.model)
    j.wait("label", "Recognizes which of 12 things a picture shows.")
    j.wait("label", "Now drop your own samples")
    assert not j.find("alert"), j.tree()


def a_folder_without_pictures_is_told(j):
    folder = j.home / "letters"
    folder.mkdir()
    for number in range(3):
        (folder / f"letter-{number}.txt").write_text("Dear reader\n")
    j.drop(folder)
    sentence = j.wait("alert").all_text()
    j.screenshot("no-pictures")
    assert "picture" in sentence or "samples" in sentence, sentence
    assert not j.find("push button", "Make It Smaller", "SENSITIVE"), j.tree()


def pictures_mend_it(j):
    j.drop(j.pictures)
    j.wait("label", "24 pictures")
    j.wait("push button", "Make It Smaller", "SENSITIVE")
    assert not j.find("alert"), j.tree()


def an_empty_folder_is_told(j):
    folder = j.home / "nothing"
    folder.mkdir()
    j.drop(folder)
    j.wait("alert")
    j.close()


journey.run("wrong-drops",
            two_models_are_one_too_many,
            a_wrong_file_is_no_model,
            the_right_one_mends_it,
            a_folder_without_pictures_is_told,
            pictures_mend_it,
            an_empty_folder_is_told)
