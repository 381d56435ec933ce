/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-portable.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-session.h"
#include "fw-signed.h"

/* The share of answers that must stay. */
#define LEAST_SAME 0.98
/* Fewer than these say little as a share. */
#define FEW 50
/* How much less likely another answer may have been to be as good. */
#define ABOUT 0.05

static gboolean
holds (GMappedFile *file, const char *text)
{
  return memmem (g_mapped_file_get_contents (file), g_mapped_file_get_length (file), text,
                 strlen (text))
         != NULL;
}

static gboolean
fail_not_portable (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL,
               _ ("The file for phones holds something of this computer."));
  return FALSE;
}

/* Names in the file are plain text. */
static gboolean
check_no_paths (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);

  if (file == NULL)
    return FALSE;
  if (g_mapped_file_get_length (file) > 0 && !holds (file, folder))
    return TRUE;
  return fail_not_portable (error);
}

/* The same optimized model as plain ONNX, which can be looked into: operators of ONNX's own and of
 * the extensions that every ONNX Runtime has, and no others. */
static gboolean
check_operators (const char *path, GError **error)
{
  static const char *const everywhere[] = { "", "ai.onnx", "ai.onnx.ml", "com.microsoft", NULL };
  g_autoptr (FwModel) model = fw_model_load (path, error);
  Onnx__GraphProto *graph;

  if (model == NULL)
    return FALSE;
  graph = fw_model_get_graph (model);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      const char *domain = graph->node[i]->domain;

      if (domain != NULL && !g_strv_contains (everywhere, domain))
        return fail_not_portable (error);
    }
  return TRUE;
}

static gboolean
optimize (const char *from, const char *to, gboolean is_ort, GError **error)
{
  const FwSessionOptions options = {
    .threads = 1,
    .optimization = FW_OPTIMIZE_ALL,
    .save_optimized = to,
    .save_ort = is_ort,
    .portable = TRUE,
    .signed_activations = TRUE,
  };
  g_autoptr (FwSession) session = fw_session_new (from, &options, error);

  return session != NULL;
}

gboolean
fw_portable_write (FwModel *model,
                   const char *ort_path,
                   const char *signed_path,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *plain = g_strconcat (signed_path, ".optimized.onnx", NULL);
  g_autoptr (FwModel) other = fw_signed_new (model, error);

  return other != NULL && fw_model_save (other, signed_path, cancellable, error)
         && optimize (signed_path, plain, FALSE, error) && check_operators (plain, error)
         && optimize (signed_path, ort_path, TRUE, error) && check_no_paths (ort_path, error);
}

static gboolean
answer_one (FwSession *session,
            const FwFeed *feed,
            guint index,
            guint output,
            FwAnswer *answer,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GPtrArray) inputs = feed->func (index, feed->user_data, error);
  g_autoptr (GPtrArray) outputs = NULL;

  if (inputs == NULL)
    return FALSE;
  outputs = fw_session_run (session, NULL, (FwTensor **) inputs->pdata, inputs->len, NULL,
                            cancellable, error);
  return outputs != NULL && output < outputs->len
         && fw_answer_read (answer, g_ptr_array_index (outputs, output), error);
}

FwComparison *
fw_portable_compare (const char *path,
                     const FwAnswer *original,
                     const FwFeed *feed,
                     guint output,
                     guint threads,
                     FwProgress *progress,
                     GCancellable *cancellable,
                     GError **error)
{
  const FwSessionOptions options
      = { .threads = threads, .optimization = FW_OPTIMIZE_NONE, .signed_activations = TRUE };
  g_autoptr (FwComparison) self = g_new0 (FwComparison, 1);
  g_autoptr (FwSession) session = fw_session_new (path, &options, error);

  if (session == NULL)
    return NULL;
  self->n = feed->n;
  self->original = g_memdup2 (original, feed->n * sizeof (FwAnswer));
  self->other = g_new0 (FwAnswer, feed->n + 1);
  for (guint i = 0; i < feed->n; i++)
    {
      if (!answer_one (session, feed, i, output, &self->other[i], cancellable, error))
        return NULL;
      fw_progress_report (progress, (i + 1.0) / feed->n);
    }
  self->agreement = fw_agreement_new (self->original, self->other, NULL, self->n);
  return g_steal_pointer (&self);
}

void
fw_comparison_free (FwComparison *self)
{
  g_clear_pointer (&self->agreement, fw_agreement_free);
  g_free (self->original);
  g_free (self->other);
  g_free (self);
}

static gboolean
is_about_as_likely (const FwAnswer *original, const FwAnswer *other)
{
  if (original->n == 0 || other->n == 0)
    return FALSE;
  for (guint i = 0; i < original->n; i++)
    if (original->index[i] == other->index[0])
      return original->probability[0] - original->probability[i] <= ABOUT;
  return FALSE;
}

gboolean
fw_comparison_is_good (FwComparison *self)
{
  const FwSame *same = &self->agreement->same;
  guint n_other = 0;

  if (self->agreement->new_not_finite > 0)
    return FALSE;
  if (self->n >= FEW)
    return same->same >= LEAST_SAME * same->total;
  for (guint i = 0; i < self->n; i++)
    n_other += !is_about_as_likely (&self->original[i], &self->other[i]);
  return n_other <= 1;
}
