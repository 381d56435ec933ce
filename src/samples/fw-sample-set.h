/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sample-set.h: the user's own samples: found, named, labelled and split.
 *
 * From files and folders (searched below; hidden files, links out and folders labels/ and masks/
 * beside images/ are left alone). Pictures for a model that takes one; otherwise files of numbers
 * (fw-array-samples.h); where a model that takes pictures finds both, whichever there is more of.
 * Labels, first that is there: the file given; a CSV in or below the folder whose first column
 * names samples (columns file, index, ..., name: index if there is a column of that name, else the
 * last column as a name); sub-folders; the label column of a table of numbers. classes.txt or
 * labels.txt names classes. Identical samples count once. The halves come from a hash of the
 * content and a seed, so that a sample keeps its half whatever its name and company are.
 */

#pragma once

#include "fw-arrays.h"
#include "fw-inputs.h"
#include "fw-picture.h"
#include "fw-progress.h"

G_BEGIN_DECLS

typedef struct
{
  char *path;
  char *name; /* for people, unique in the set: the path below the folder given */
  int label;  /* class index, or -1 */
  char sha256[65];
  gboolean is_picture;
  /* Of a sample that is numbers, where @path is not all there is to it: */
  char **parts;     /* a file for each input, "" for none, or NULL */
  FwArrays *arrays; /* of a file of many, or NULL */
  gint64 row;       /* in @arrays, or -1 */
} FwSample;

typedef struct _FwSampleSet FwSampleSet;

/* Pictures only. @paths: NULL-terminated files and folders. @labels: a CSV, or NULL to look for
 * one. At most 100,000 files. Errors: NO_SUCH_FILE, NO_SAMPLES, TOO_FEW_SAMPLES (fewer than 4),
 * BAD_LABELS. Every picture is only sniffed here; those that can't be decoded turn up later and are
 * set aside by fw_sample_set_reject(). */
FwSampleSet *fw_sample_set_new (const char *const *paths,
                                const char *labels,
                                guint64 seed,
                                FwProgress *progress,
                                GCancellable *cancellable,
                                GError **error);
/* The same for the model that @inputs describe. Errors: also UNSUPPORTED_INPUTS and NOT_READABLE,
 * where what is wrong with the only file is all there is to say. */
FwSampleSet *fw_sample_set_new_for_inputs (const char *const *paths,
                                           const char *labels,
                                           guint64 seed,
                                           const FwInputs *inputs,
                                           FwProgress *progress,
                                           GCancellable *cancellable,
                                           GError **error);
FwSampleSet *fw_sample_set_ref (FwSampleSet *self);
void fw_sample_set_unref (FwSampleSet *self);

/* The two halves, each in a seeded order. Arrays of FwSample, owned by the set. */
GPtrArray *fw_sample_set_get_calibration (FwSampleSet *self);
GPtrArray *fw_sample_set_get_test (FwSampleSet *self);

/* Sets a sample aside that could not be decoded. */
void fw_sample_set_reject (FwSampleSet *self, FwSample *sample, const GError *reason);
/* Names of files that looked like pictures and could not be read, sorted. */
GPtrArray *fw_sample_set_get_unreadable (FwSampleSet *self);

guint fw_sample_set_get_n_classes (FwSampleSet *self); /* 0 without labels */
/* The name of a class, or NULL where only its index is known. */
const char *fw_sample_set_get_class_name (FwSampleSet *self, int label);
gboolean fw_sample_set_has_labels (FwSampleSet *self);
/* TRUE where class indices are only an order of folder or class names, which the model need not
 * share: accuracy then means nothing until names are matched. */
gboolean fw_sample_set_labels_are_guessed (FwSampleSet *self);
/* A hash of the contents of all samples, independent of their order. */
const char *fw_sample_set_get_sha256 (FwSampleSet *self);

/* Whether they are pictures, and not numbers. */
gboolean fw_sample_set_are_pictures (FwSampleSet *self);

/* Decodes and prepares one picture. */
FwTensor *
fw_sample_to_tensor (const FwSample *self, const FwPreprocess *preprocess, GError **error);
/* One sample as the model takes it: a FwTensor for each of @inputs. @preprocess: for pictures, else
 * NULL. */
GPtrArray *fw_sample_to_row (const FwSample *self,
                             FwInputs *inputs,
                             const FwPreprocess *preprocess,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSampleSet, fw_sample_set_unref)

G_END_DECLS
