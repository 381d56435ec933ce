/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-history-json.h"

#include "fw-json.h"

char *
fw_history_json_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format_iso8601 (time) : NULL;
}

static void
set_text (JsonObject *object, const char *member, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, member, text);
  else
    json_object_set_null_member (object, member);
}

static void
set_time (JsonObject *object, const char *member, gint64 seconds)
{
  g_autofree char *text = seconds > 0 ? fw_history_json_time (seconds) : NULL;

  set_text (object, member, text);
}

void
fw_history_json_set_path (JsonObject *object, const char *member, const char *path)
{
  g_autofree char *text = path != NULL ? fw_json_from_path (path) : NULL;

  set_text (object, member, text);
}

static void
set_object (JsonObject *object, const char *member, JsonObject *value)
{
  if (value != NULL)
    json_object_set_object_member (object, member, json_object_ref (value));
  else
    json_object_set_null_member (object, member);
}

/* The members of @from that @to does not have. */
static void
add_members (JsonObject *to, JsonObject *from)
{
  g_autoptr (GList) names = from != NULL ? json_object_get_members (from) : NULL;

  for (GList *l = names; l != NULL; l = l->next)
    if (!json_object_has_member (to, l->data))
      json_object_set_member (to, l->data, json_node_copy (json_object_get_member (from, l->data)));
}

static void
set_recipe (JsonObject *object, const char *recipe)
{
  g_autoptr (JsonNode) node = recipe != NULL ? fw_json_parse (recipe, -1, NULL) : NULL;

  if (node != NULL)
    json_object_set_member (object, "recipe", g_steal_pointer (&node));
}

JsonObject *
fw_history_json_original (FwHistoryOriginal *original)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", original->id);
  set_text (object, "name", original->name);
  fw_history_json_set_path (object, "path", original->path);
  fw_history_json_set_path (object, "copy", original->copy);
  set_text (object, "sha256", original->sha256);
  json_object_set_int_member (object, "size_bytes", (gint64) original->size);
  set_text (object, "task", original->task);
  set_time (object, "added", original->added);
  json_object_set_int_member (object, "original_version", original->version_0);
  json_object_set_int_member (object, "version_in_use", original->in_use);
  fw_history_json_set_path (object, "saved_path", original->saved_path);
  set_text (object, "saved_sha256", original->saved_sha256);
  return object;
}

JsonObject *
fw_history_json_version (FwHistoryVersion *version, FwHistoryOriginal *original)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", version->id);
  json_object_set_int_member (object, "number", version->number);
  json_object_set_int_member (object, "original", version->original);
  set_text (object, "model", original != NULL ? original->name : NULL);
  set_time (object, "created", version->created);
  json_object_set_double_member (object, "position", version->position);
  json_object_set_int_member (object, "size_bytes", (gint64) version->size);
  set_text (object, "sha256", version->sha256);
  fw_history_json_set_path (object, "file", version->file);
  json_object_set_boolean_member (object, "recommended", version->is_recommended);
  json_object_set_boolean_member (object, "in_use", version->is_in_use);
  json_object_set_boolean_member (object, "deleted", version->is_deleted);
  set_text (object, "note", version->note);
  set_recipe (object, version->recipe);
  add_members (object, version->details);
  return object;
}

JsonObject *
fw_history_json_run (FwHistoryRun *run)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", run->id);
  json_object_set_int_member (object, "original", run->original);
  json_object_set_int_member (object, "n_stops", run->n_stops);
  set_text (object, "state", fw_history_run_state_get_name (run->state));
  set_time (object, "started", run->started);
  set_time (object, "ended", run->ended);
  set_object (object, "job", run->job);
  set_text (object, "samples_sha256", run->samples_sha256);
  set_text (object, "task", run->task);
  set_object (object, "preprocess", run->preprocess);
  set_text (object, "program", run->program);
  set_text (object, "runtime", run->runtime);
  set_text (object, "cpu", run->cpu);
  json_object_set_int_member (object, "threads", run->threads);
  set_text (object, "message", run->message);
  return object;
}

JsonObject *
fw_history_json_stop (FwHistoryStop *stop)
{
  JsonObject *object = json_object_new ();

  json_object_set_double_member (object, "position", stop->position);
  json_object_set_int_member (object, "size_bytes", (gint64) stop->size);
  set_text (object, "sha256", stop->sha256);
  json_object_set_boolean_member (object, "recommended", stop->is_recommended);
  if (stop->version != 0)
    json_object_set_int_member (object, "version", stop->version);
  else
    json_object_set_null_member (object, "version");
  add_members (object, stop->details);
  return object;
}

JsonObject *
fw_history_json_measurement (FwHistoryMeasurement *measurement)
{
  JsonObject *object = json_object_new ();

  set_text (object, "kind", measurement->kind);
  set_time (object, "when", measurement->when);
  set_text (object, "samples_sha256", measurement->samples_sha256);
  set_text (object, "program", measurement->program);
  set_text (object, "runtime", measurement->runtime);
  set_text (object, "cpu", measurement->cpu);
  add_members (object, measurement->details);
  return object;
}
