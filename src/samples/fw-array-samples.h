/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-array-samples.h: samples made of files of numbers.
 *
 * Either each .npy or .npz file is a sample; or a few files hold many samples each, one for each
 * row of their first dimension; or there is a folder for each of the model's inputs, and files of
 * the same name in them make a sample; or the rows of CSV tables and .f32 files are samples.
 */

#pragma once

#include "fw-sample-finder.h"
#include "fw-sample-set.h"

G_BEGIN_DECLS

/* What a sample is read from: for the set to name, label and split. */
typedef struct
{
  FwFoundFile *file; /* owned; its path is that of the only or first file */
  char **parts;      /* paths, one for each input, "" for none; NULL for one file */
  FwArrays *arrays;  /* of a file of many samples, or NULL */
  gint64 row;
  int label; /* that the file gives, or -1 */
} FwArraySample;

void fw_array_sample_free (FwArraySample *self);

/* An array of FwArraySample, in the order of the files. Names of what can't be read go to
 * @unreadable. Errors: NULL and NO_SAMPLES, saying what the model takes, or what is wrong with the
 * only file; cancelled. */
GPtrArray *fw_array_samples_find (const FwFound *found,
                                  const FwInputs *inputs,
                                  GPtrArray *unreadable,
                                  GCancellable *cancellable,
                                  GError **error);

/* A hash of the numbers of a row of a file of many, or NULL. */
char *fw_array_sample_hash_row (const FwArrays *arrays, gint64 row);

/* The tensors of a sample in the order of @inputs. */
GPtrArray *fw_array_sample_read (const FwSample *sample, FwInputs *inputs, GError **error);

G_END_DECLS
