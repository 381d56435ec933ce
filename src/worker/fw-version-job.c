/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-version-job.h"

#include <string.h>

#include "fw-history.h"

/* The run that made the version; for an original, the latest on it. */
static FwHistoryRun *
find_run (FwHistory *history, FwHistoryVersion *version)
{
  g_autoptr (GPtrArray) runs = NULL;

  if (version->run != 0)
    return fw_history_get_run (history, version->run, NULL);
  runs = fw_history_list_runs (history, version->original, NULL);
  for (guint i = 0; runs != NULL && i < runs->len; i++)
    if (((FwHistoryRun *) runs->pdata[i])->preprocess != NULL)
      return fw_history_run_ref (runs->pdata[i]);
  return NULL;
}

static void
set_preprocess (FwJob *job, FwHistory *history, FwHistoryVersion *version)
{
  g_autoptr (FwHistoryRun) run = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (job->preprocess != NULL && strcmp (job->preprocess, "auto") != 0)
    return;
  run = find_run (history, version);
  if (run == NULL || run->preprocess == NULL)
    return;
  node = json_node_init_object (json_node_alloc (), run->preprocess);
  g_free (job->preprocess);
  job->preprocess = json_to_string (node, FALSE);
}

FwJob *
fw_version_job_new (const FwJob *job, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwHistory) history = fw_history_open (NULL, error);
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (FwHistoryOriginal) original = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (FwJob) copy = NULL;
  g_autofree char *file = NULL;

  if (history == NULL || (version = fw_history_get_version (history, job->version, error)) == NULL
      || (original = fw_history_get_original (history, version->original, error)) == NULL
      || (file = fw_history_check_file (history, job->version, cancellable, error)) == NULL)
    return NULL;
  node = fw_job_to_json (job);
  copy = fw_job_from_json (node, error);
  if (copy == NULL)
    return NULL;
  g_free (copy->model);
  copy->model = g_steal_pointer (&file);
  if (copy->other == NULL && strcmp (copy->model, original->path) != 0
      && g_file_test (original->path, G_FILE_TEST_IS_REGULAR))
    copy->other = g_strdup (original->path);
  set_preprocess (copy, history, version);
  return g_steal_pointer (&copy);
}
