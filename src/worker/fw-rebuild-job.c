/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rebuild-job.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-prepare.h"
#include "fw-rewrite.h"
#include "fw-scaling.h"

static FwModel *
rebuild (const FwJob *job, FwRecipe *recipe, const char *folder, GError **error)
{
  g_autoptr (FwModel) original = fw_model_load (job->model, error);
  g_autoptr (FwModel) prepared = NULL;
  g_autoptr (FwModel) scaled = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;

  if (original == NULL)
    return NULL;
  prepared = fw_prepare_model (original, fw_recipe_get_converted (recipe), folder, error);
  if (prepared == NULL)
    return NULL;
  scaled = fw_scaling_apply (prepared, recipe, error);
  if (scaled == NULL)
    return NULL;
  units = fw_units_find (scaled);
  rewriter = fw_rewriter_new (scaled, units, job->threads);
  return fw_rewriter_build_file (rewriter, recipe, error);
}

static gboolean
check_original (const FwJob *job, FwRecipe *recipe, GCancellable *cancellable, GError **error)
{
  g_autofree char *sha256 = fw_file_sha256 (job->model, cancellable, error);

  if (sha256 == NULL)
    return FALSE;
  if (strcmp (sha256, fw_recipe_get_original (recipe)) == 0)
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
               _ ("The original model has changed since this version was made of it."));
  return FALSE;
}

JsonObject *
fw_rebuild_job_run (const FwJob *job,
                    const char *folder,
                    FwEvents *events,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_from_json (job->recipe, error);
  g_autoptr (FwModel) model = NULL;
  g_autofree char *path = g_build_filename (folder, "rebuilt.onnx", NULL);
  g_autofree char *sha256 = NULL;
  JsonObject *result;

  fw_events_phase (events, FW_PHASE_PREPARE, 0);
  if (recipe == NULL || !check_original (job, recipe, cancellable, error))
    return NULL;
  model = rebuild (job, recipe, folder, error);
  if (model == NULL || !fw_model_save (model, path, cancellable, error))
    return NULL;
  sha256 = fw_file_sha256 (path, cancellable, error);
  if (sha256 == NULL)
    return NULL;

  result = json_object_new ();
  json_object_set_string_member (result, "path", path);
  json_object_set_int_member (result, "size_bytes", fw_model_get_size (model));
  json_object_set_string_member (result, "sha256", sha256);
  fw_events_phase (events, FW_PHASE_KEEP, 1);
  return result;
}
