/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-error.h"

#include <errno.h>
#include <glib/gi18n-lib.h>

/* clang-format takes the quark's name for a subtraction. */
/* clang-format off */
G_DEFINE_QUARK (fw-error-quark, fw_error)
/* clang-format on */

typedef struct
{
  const char *name;
  const char *hint;
} ErrorEntry;

static const ErrorEntry entries[FW_N_ERRORS] = {
  [FW_ERROR_INTERNAL] = {
    "internal",
    N_ ("Please try once more. If it happens again, tell the makers of Featherweight about it."),
  },
  [FW_ERROR_CANCELLED] = { "cancelled", NULL },
  [FW_ERROR_USAGE] = {
    "usage",
    N_ ("Run “featherweight-cli --help” to see how it is used."),
  },
  [FW_ERROR_NO_SUCH_FILE] = {
    "no-such-file",
    N_ ("Check that it has not been moved, renamed or deleted, then choose it again."),
  },
  [FW_ERROR_NOT_READABLE] = {
    "not-readable",
    N_ ("Check that you are allowed to open it, or copy it to your own folder and choose the copy."),
  },
  [FW_ERROR_EMPTY_FILE] = {
    "empty-file",
    N_ ("Download or copy the model once more: nothing of it has arrived yet."),
  },
  [FW_ERROR_NOT_A_MODEL] = {
    "not-a-model",
    N_ ("Choose an AI model in the ONNX format. Its name usually ends in “.onnx”."),
  },
  [FW_ERROR_DAMAGED_MODEL] = {
    "damaged-model",
    N_ ("Download or copy the model once more, and wait until it is complete."),
  },
  [FW_ERROR_HOSTILE_MODEL] = {
    "hostile-model",
    N_ ("Don’t use this file. Get the model from a place that you trust."),
  },
  [FW_ERROR_UNSUPPORTED_MODEL] = {
    "unsupported-model",
    N_ ("Ask whoever made the model for a version in the ONNX format that runs with ONNX Runtime."),
  },
  [FW_ERROR_UNKNOWN_OPERATOR] = {
    "unknown-operator",
    N_ ("Ask whoever made the model for a version that uses standard ONNX parts only."),
  },
  [FW_ERROR_UNSUPPORTED_INPUTS] = {
    "unsupported-inputs",
    N_ ("Give samples as .npz files whose arrays are named and shaped like the model’s inputs, one file for each sample."),
  },
  [FW_ERROR_EXTERNAL_DATA_MISSING] = {
    "external-data-missing",
    N_ ("This model comes in several files. Put all of them into one folder, then choose the model again."),
  },
  [FW_ERROR_EXTERNAL_DATA_OUTSIDE] = {
    "external-data-outside",
    N_ ("For your safety, a model may only use files in its own folder. Put all of its files into one folder."),
  },
  [FW_ERROR_ALREADY_SMALL] = {
    "already-small",
    N_ ("Use it as it is, or choose the original model that it was made from."),
  },
  [FW_ERROR_NOTHING_TO_SHRINK] = {
    "nothing-to-shrink",
    N_ ("Use the model as it is."),
  },
  [FW_ERROR_NO_SAMPLES] = {
    "no-samples",
    N_ ("Choose a folder with samples like those the model will see: pictures as JPEG, PNG, WebP, BMP or GIF files, anything else as .npy, .npz or .csv files of numbers."),
  },
  [FW_ERROR_TOO_FEW_SAMPLES] = {
    "too-few-samples",
    N_ ("Add more samples: at least 4 are needed, and 100 or more give figures you can rely on."),
  },
  [FW_ERROR_FEW_SAMPLES] = {
    "few-samples",
    N_ ("Add more samples for figures that you can rely on: 100 or more are best."),
  },
  [FW_ERROR_UNREADABLE_SAMPLES] = {
    "unreadable-samples",
    N_ ("Open them in the program that made them, or pictures in a picture viewer. What it can’t show, download or copy again."),
  },
  [FW_ERROR_BAD_LABELS] = {
    "bad-labels",
    N_ ("The file should have one line for each sample: its file name, a comma, and the number of its class."),
  },
  [FW_ERROR_BAD_PREPROCESS] = {
    "bad-preprocess",
    N_ ("Leave out the choice of how pictures are prepared, and it will be found out for you."),
  },
  [FW_ERROR_UNSURE_PREPROCESS] = {
    "unsure-preprocess",
    N_ ("Look at the answers for some pictures. If they make no sense, choose another way to prepare pictures."),
  },
  [FW_ERROR_BAD_RECIPE] = {
    "bad-recipe",
    N_ ("Make the model smaller once more from the original."),
  },
  [FW_ERROR_DISK_FULL] = {
    "disk-full",
    N_ ("Delete files that you no longer need, or choose another disk, then try again."),
  },
  [FW_ERROR_NOT_WRITABLE] = {
    "not-writable",
    N_ ("Choose another folder to save in, such as your Documents folder."),
  },
  [FW_ERROR_FILE_EXISTS] = {
    "file-exists",
    N_ ("Choose another name, or move the old file away first."),
  },
  [FW_ERROR_RUNTIME_MISSING] = {
    "runtime-missing",
    N_ ("Install Featherweight again. If you built it yourself, run “build-aux/run”, which brings ONNX Runtime."),
  },
  [FW_ERROR_RUNTIME_TOO_OLD] = {
    "runtime-too-old",
    N_ ("Update ONNX Runtime, or install Featherweight again: it brings one that fits."),
  },
  [FW_ERROR_RUNTIME_FAILED] = {
    "runtime-failed",
    N_ ("Check with other pictures. If it happens with all of them, the model itself may be faulty."),
  },
  [FW_ERROR_OUT_OF_MEMORY] = {
    "out-of-memory",
    N_ ("Close other programs, or use a computer with more memory, then try again."),
  },
  [FW_ERROR_WORKER_DIED] = {
    "worker-died",
    N_ ("Your files are as they were. Try again, and if it happens again, the model may be damaged or too large."),
  },
  [FW_ERROR_TARGET_NOT_REACHED] = {
    "target-not-reached",
    N_ ("Allow a larger size or fewer same answers, or choose from the versions that were found."),
  },
  [FW_ERROR_NOT_SMALLER] = {
    "not-smaller",
    N_ ("Choose a version further towards the smallest."),
  },
  [FW_ERROR_SLOWER_HERE] = {
    "slower-here",
    N_ ("Choose a neighbouring version if speed matters to you on this computer."),
  },
  [FW_ERROR_NEW_NAN] = {
    "new-nan",
    N_ ("Choose a version further towards the most faithful."),
  },
  [FW_ERROR_HISTORY_DAMAGED] = {
    "history-damaged",
    N_ ("Start Featherweight again: it sets the damaged list aside and finds your models again."),
  },
  [FW_ERROR_HISTORY_NEWER] = {
    "history-newer",
    N_ ("Update Featherweight on this computer. Your history was left as it is."),
  },
  [FW_ERROR_HISTORY_BUSY] = {
    "history-busy",
    N_ ("Wait until the other work is done, or close other windows of Featherweight, then try again."),
  },
  [FW_ERROR_NO_SUCH_VERSION] = {
    "no-such-version",
    N_ ("Run “featherweight-cli history list” to see what is there."),
  },
  [FW_ERROR_MODEL_CHANGED] = {
    "model-changed",
    N_ ("Choose the model as it was then, or make the changed one smaller anew."),
  },
  [FW_ERROR_FILE_CHANGED] = {
    "file-changed",
    N_ ("Save under another name, or move the changed file away first."),
  },
  [FW_ERROR_LARGE_MODEL] = {
    "large-model",
    N_ ("Try the version that you choose in your app, to see how fast it is there."),
  },
};

const char *
fw_error_get_name (FwError code)
{
  g_return_val_if_fail ((guint) code < FW_N_ERRORS, entries[FW_ERROR_INTERNAL].name);

  return entries[code].name;
}

const char *
fw_error_get_hint (FwError code)
{
  const char *hint;

  g_return_val_if_fail ((guint) code < FW_N_ERRORS, NULL);

  hint = entries[code].hint;
  return hint ? _ (hint) : NULL;
}

FwError
fw_error_from_name (const char *name)
{
  for (guint i = 0; i < FW_N_ERRORS; i++)
    if (g_strcmp0 (entries[i].name, name) == 0)
      return i;
  return FW_ERROR_INTERNAL;
}

static FwError
code_of_io_error (int code)
{
  switch (code)
    {
    case G_IO_ERROR_CANCELLED:
      return FW_ERROR_CANCELLED;
    case G_IO_ERROR_NO_SPACE:
      return FW_ERROR_DISK_FULL;
    case G_IO_ERROR_NOT_FOUND:
    case G_IO_ERROR_NOT_DIRECTORY:
      return FW_ERROR_NO_SUCH_FILE;
    case G_IO_ERROR_PERMISSION_DENIED:
      return FW_ERROR_NOT_READABLE;
    case G_IO_ERROR_READ_ONLY:
      return FW_ERROR_NOT_WRITABLE;
    case G_IO_ERROR_EXISTS:
      return FW_ERROR_FILE_EXISTS;
    default:
      return FW_ERROR_INTERNAL;
    }
}

static FwError
code_of_file_error (int code)
{
  switch (code)
    {
    case G_FILE_ERROR_NOSPC:
      return FW_ERROR_DISK_FULL;
    case G_FILE_ERROR_NOENT:
    case G_FILE_ERROR_NOTDIR:
      return FW_ERROR_NO_SUCH_FILE;
    case G_FILE_ERROR_ACCES:
    case G_FILE_ERROR_PERM:
    case G_FILE_ERROR_ISDIR:
      return FW_ERROR_NOT_READABLE;
    case G_FILE_ERROR_ROFS:
      return FW_ERROR_NOT_WRITABLE;
    case G_FILE_ERROR_EXIST:
      return FW_ERROR_FILE_EXISTS;
    case G_FILE_ERROR_NOMEM:
      return FW_ERROR_OUT_OF_MEMORY;
    default:
      return FW_ERROR_INTERNAL;
    }
}

FwError
fw_error_get_code (const GError *error)
{
  g_return_val_if_fail (error, FW_ERROR_INTERNAL);

  if (error->domain == FW_ERROR)
    return (guint) error->code < FW_N_ERRORS ? (FwError) error->code : FW_ERROR_INTERNAL;
  if (error->domain == G_IO_ERROR)
    return code_of_io_error (error->code);
  if (error->domain == G_FILE_ERROR)
    return code_of_file_error (error->code);
  return FW_ERROR_INTERNAL;
}

static void
set_for_path (GError **error, FwError code, const char *format, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);
  g_autofree char *message = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  message = g_strdup_printf (format, shown);
#pragma GCC diagnostic pop
  g_set_error_literal (error, FW_ERROR, code, message);
}

static void
set_for_other_errno (GError **error, int saved_errno, gboolean writing, const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);

  if (writing)
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE, _ ("“%s” could not be written: %s."),
                 shown, g_strerror (saved_errno));
  else
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("“%s” could not be read: %s."), shown,
                 g_strerror (saved_errno));
}

void
fw_error_set_from_errno (GError **error, int saved_errno, gboolean writing, const char *path)
{
  switch (saved_errno)
    {
    case ENOSPC:
    case EDQUOT:
      set_for_path (error, FW_ERROR_DISK_FULL, _ ("The disk is full: “%s” could not be written."),
                    path);
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      if (writing)
        set_for_path (error, FW_ERROR_NOT_WRITABLE,
                      _ ("“%s” can’t be saved there: you may not write to that folder."), path);
      else
        set_for_path (error, FW_ERROR_NOT_READABLE, _ ("You may not open “%s”."), path);
      break;
    case ENOENT:
    case ENOTDIR:
      if (writing)
        set_for_path (error, FW_ERROR_NO_SUCH_FILE,
                      _ ("“%s” can’t be saved: its folder does not exist."), path);
      else
        set_for_path (error, FW_ERROR_NO_SUCH_FILE, _ ("“%s” does not exist."), path);
      break;
    case EEXIST:
      set_for_path (error, FW_ERROR_FILE_EXISTS,
                    _ ("There is already a file “%s”, and it was left as it is."), path);
      break;
    case ENOMEM:
      set_for_path (error, FW_ERROR_OUT_OF_MEMORY, _ ("There is not enough memory for “%s”."),
                    path);
      break;
    default:
      set_for_other_errno (error, saved_errno, writing, path);
      break;
    }
}
