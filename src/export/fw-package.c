/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-package.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fw-archive.h"
#include "fw-class-names.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-signed.h"

typedef struct
{
  const FwPackageInput *input;
  FwPackage *package;
  char *stage; /* the folder that becomes the package */
  char *unsigned_model;
  char *signed_model; /* the same as the .ort, as plain ONNX; not in the package */
  FwProgress *progress;
  GCancellable *cancellable;
} Making;

static void
making_clear (Making *self)
{
  g_free (self->stage);
  g_free (self->unsigned_model);
  g_free (self->signed_model);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Making, making_clear)

void
fw_package_free (FwPackage *self)
{
  g_free (self->path);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->why_no_ort);
  g_clear_pointer (&self->comparison, fw_comparison_free);
  g_free (self);
}

/* Writing ------------------------------------------------------------------------------------ */

/* Takes @text. */
static gboolean
write_text (Making *m, const char *name, char *text, GError **error)
{
  g_autofree char *path = g_build_filename (m->stage, name, NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

  return fw_file_write (path, bytes, FALSE, error);
}

/* The file as it is; with its weights in it, where those lie in another one. */
static gboolean
write_model (Making *m, GError **error)
{
  const FwPackageInput *input = m->input;
  GStatBuf status;

  if (g_stat (input->model_path, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, input->model_path);
      return FALSE;
    }
  if ((guint64) status.st_size == fw_model_get_size (input->model))
    return fw_file_copy (input->model_path, m->unsigned_model, FALSE, m->cancellable, error);
  return fw_model_save (input->model, m->unsigned_model, m->cancellable, error);
}

static GPtrArray *
feed_golden (guint index, gpointer user_data, GError **error)
{
  FwGolden *golden = user_data;
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  g_ptr_array_add (inputs, fw_tensor_ref (g_ptr_array_index (golden->inputs, index)));
  return inputs;
}

static FwComparison *
compare (Making *m, GError **error)
{
  const FwPackageInput *input = m->input;
  const FwFeed golden = { input->golden->n, feed_golden, input->golden };
  const FwFeed *feed = input->samples != NULL ? input->samples : &golden;
  const FwAnswer *answers = input->samples != NULL ? input->answers : input->golden->answers;
  g_autoptr (FwProgress) progress = fw_progress_slice (m->progress, 0.2, 0.8);

  return fw_portable_compare (m->signed_model, answers, feed, input->output, input->threads,
                              progress, m->cancellable, error);
}

/* Goes without one where it can't be had: the .onnx runs on phones too, only slower. FALSE for what
 * has nothing to do with the model. */
static gboolean
write_ort (Making *m, const char *path, GError **error)
{
  FwPackage *package = m->package;
  g_autoptr (GError) local = NULL;

  if (!fw_signed_has_activations (m->input->model))
    {
      package->why_no_ort = g_strdup (
          _ ("This version does not calculate with 8-bit numbers, so that a .ort file would be "
             "larger and no faster."));
      return TRUE;
    }
  if (!fw_portable_write (m->input->model, path, m->signed_model, m->cancellable, &local))
    {
      g_unlink (path);
      if (fw_error_get_code (local) == FW_ERROR_DISK_FULL
          || g_cancellable_is_cancelled (m->cancellable))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      package->why_no_ort = g_strdup (local->message);
      return TRUE;
    }
  fw_progress_report (m->progress, 0.2);
  package->comparison = compare (m, error);
  if (package->comparison == NULL)
    return FALSE;
  package->has_ort = fw_comparison_is_good (package->comparison);
  if (!package->has_ort)
    {
      g_unlink (path);
      package->why_no_ort
          = g_strdup (_ ("The .ort file for phones gave too many other answers than this model."));
    }
  return TRUE;
}

static gboolean
write_all (Making *m, GError **error)
{
  const FwPackageInput *input = m->input;
  g_autofree char *ort = g_build_filename (m->stage, "model.ort", NULL);

  return write_model (m, error) && (input->target == FW_TARGET_WEB || write_ort (m, ort, error))
         && write_text (m, "labels.txt", fw_class_names_to_text (input->labels), error)
         && write_text (m, "preprocessing.json", fw_package_write_preprocess (input), error)
         && fw_golden_save (input->golden, input->labels, m->stage, error)
         && write_text (m, "README.md", fw_package_write_readme (input, m->package->has_ort), error)
         && fw_sums_write (m->stage, m->cancellable, error);
}

/* Reading back ------------------------------------------------------------------------------- */

static gboolean
same_names (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (strcmp (a->pdata[i], b->pdata[i]) != 0)
      return FALSE;
  return TRUE;
}

static gboolean
check_model (Making *m, const char *folder, const char *name, guint *n_same, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return fw_golden_check (m->input->golden, folder, path, m->input->threads, n_same, m->cancellable,
                          error);
}

static gboolean
read_back (Making *m, const char *folder, GError **error)
{
  FwPackage *package = m->package;
  g_autoptr (GPtrArray) names = NULL;
  guint n_same;

  if (!fw_archive_extract (package->path, folder, m->cancellable, error)
      || (names = fw_archive_list_folder (folder, error)) == NULL
      || !fw_sums_check (folder, m->cancellable, error)
      || !check_model (m, folder, "model.onnx", &n_same, error))
    return FALSE;
  if (!same_names (names, package->files) || n_same != m->input->golden->n)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL,
                   _ ("What was written is not what can be read."));
      return FALSE;
    }
  return !package->has_ort || check_model (m, folder, "model.ort", &package->golden_same, error);
}

static gboolean
make_folder (const char *path, GError **error)
{
  if (g_mkdir (path, 0700) == 0)
    return TRUE;
  fw_error_set_from_errno (error, errno, TRUE, path);
  return FALSE;
}

FwPackage *
fw_package_new (const FwPackageInput *input,
                const char *folder,
                FwProgress *progress,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (FwPackage) self = g_new0 (FwPackage, 1);
  g_auto (Making) m = { .input = input, .package = self };
  g_autofree char *scratch = g_build_filename (folder, "signed", NULL);
  g_autofree char *back = g_build_filename (folder, "back", NULL);

  m.progress = progress;
  m.cancellable = cancellable;
  m.stage = g_build_filename (folder, "package", NULL);
  m.unsigned_model = g_build_filename (m.stage, "model.onnx", NULL);
  m.signed_model = g_build_filename (scratch, "signed.onnx", NULL);
  self->path = g_build_filename (folder, "package.zip", NULL);
  if (!make_folder (m.stage, error) || !make_folder (scratch, error) || !write_all (&m, error))
    return NULL;
  fw_progress_report (progress, 0.85);
  self->files = fw_archive_list_folder (m.stage, error);
  if (self->files == NULL || !fw_archive_write (self->path, m.stage, cancellable, error))
    return NULL;
  fw_progress_report (progress, 0.9);
  if (!read_back (&m, back, error))
    return NULL;
  fw_progress_report (progress, 1);
  return g_steal_pointer (&self);
}
