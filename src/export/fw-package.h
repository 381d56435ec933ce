/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-package.h: a model with all that an app needs to use it, in one .zip.
 *
 * README.md          how to use it, in plain words and a few lines of code
 * model.onnx         the model as it is: unsigned activations, runs anywhere
 * model.ort          for phones: signed activations; only where the model calculates in 8 bits
 * labels.txt         the name of each class, a line each
 * preprocessing.json how pictures are prepared
 * golden/            inputs with the answers that belong to them
 * SHA256SUMS         checksums of all of these
 *
 * Before a package is called done it is unpacked again, its checksums are checked and its models
 * run on the golden inputs. The same input always gives the same bytes, but for
 * the .ort, in which ONNX Runtime writes a table in whatever order its hash table has that day.
 */

#pragma once

#include "fw-golden.h"
#include "fw-job.h"
#include "fw-portable.h"

G_BEGIN_DECLS

typedef struct
{
  FwTarget target;        /* android, ios or web */
  const char *model_path; /* the file, whose bytes go into the package */
  const char *name;       /* a file whose name is the package's title */
  FwModel *model;
  const FwPreprocess *preprocess;
  gboolean preprocess_known; /* FALSE: no more than a usual guess */
  GPtrArray *labels;         /* char *, by class: fw_class_names_new() */
  gboolean labels_known;     /* FALSE: they are only numbers */
  FwGolden *golden;
  const FwFeed *samples;   /* what the .ort's answers are checked on; the golden inputs for NULL */
  const FwAnswer *answers; /* the model's own to @samples, on this computer */
  guint output;            /* which output holds them */
  guint threads;
} FwPackageInput;

typedef struct
{
  char *path;       /* the .zip */
  GPtrArray *files; /* char *: the names in it, sorted */
  gboolean has_ort;
  char *why_no_ort;         /* a translated sentence, where a phone's package has none */
  FwComparison *comparison; /* of the .ort's answers, or NULL; there too where it was left out */
  guint golden_same;        /* of the golden answers that the .ort gives on this computer */
} FwPackage;

/* Makes "package.zip" in @folder, which is also for scratch. Errors: those of sessions and files,
 * DAMAGED_MODEL where reading back shows something else than was written, cancelled. */
FwPackage *fw_package_new (const FwPackageInput *input,
                           const char *folder,
                           FwProgress *progress,
                           GCancellable *cancellable,
                           GError **error);
void fw_package_free (FwPackage *self);

/* README.md's text. */
char *fw_package_write_readme (const FwPackageInput *input, gboolean has_ort);
/* preprocessing.json's text. */
char *fw_package_write_preprocess (const FwPackageInput *input);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPackage, fw_package_free)

G_END_DECLS
