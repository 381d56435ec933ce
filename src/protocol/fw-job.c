/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-job.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "fw-error.h"
#include "fw-json.h"

#define MAX_THREADS 1024
#define MAX_SAMPLES 100000

static const char *const command_names[]
    = { "inspect", "shrink", "path", "compare", "samples", "rebuild", "export" };
static const char *const prefer_names[] = { "both", "size", "speed" };
static const char *const target_names[] = { "file", "android", "ios", "web" };
static const char *const device_names[] = { "this-computer", "phone", "older-computer" };
static const char *const care_names[] = { "normal", "extra" };

const char *
fw_command_get_name (FwCommand command)
{
  g_return_val_if_fail (command < G_N_ELEMENTS (command_names), "");

  return command_names[command];
}

const char *
fw_prefer_get_name (FwPrefer prefer)
{
  g_return_val_if_fail (prefer < G_N_ELEMENTS (prefer_names), "");

  return prefer_names[prefer];
}

static gboolean
find_name (const char *const *names, guint n_names, const char *name, guint *index)
{
  for (guint i = 0; i < n_names; i++)
    if (g_strcmp0 (names[i], name) == 0)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

gboolean
fw_prefer_from_name (const char *name, FwPrefer *prefer)
{
  guint index;

  if (!find_name (prefer_names, G_N_ELEMENTS (prefer_names), name, &index))
    return FALSE;
  *prefer = (FwPrefer) index;
  return TRUE;
}

const char *
fw_target_get_name (FwTarget target)
{
  g_return_val_if_fail (target < G_N_ELEMENTS (target_names), "");

  return target_names[target];
}

gboolean
fw_target_from_name (const char *name, FwTarget *target)
{
  guint index;

  if (!find_name (target_names, G_N_ELEMENTS (target_names), name, &index))
    return FALSE;
  *target = (FwTarget) index;
  return TRUE;
}

const char *
fw_device_get_name (FwDevice device)
{
  g_return_val_if_fail (device < G_N_ELEMENTS (device_names), "");

  return device_names[device];
}

gboolean
fw_device_from_name (const char *name, FwDevice *device)
{
  guint index;

  if (!find_name (device_names, G_N_ELEMENTS (device_names), name, &index))
    return FALSE;
  *device = (FwDevice) index;
  return TRUE;
}

const char *
fw_care_get_name (FwCare care)
{
  g_return_val_if_fail (care < G_N_ELEMENTS (care_names), "");

  return care_names[care];
}

gboolean
fw_care_from_name (const char *name, FwCare *care)
{
  guint index;

  if (!find_name (care_names, G_N_ELEMENTS (care_names), name, &index))
    return FALSE;
  *care = (FwCare) index;
  return TRUE;
}

FwJob *
fw_job_new (FwCommand command)
{
  FwJob *self = g_new0 (FwJob, 1);

  self->command = command;
  self->preprocess = g_strdup ("auto");
  self->position = -1;
  self->measure = TRUE;
  return self;
}

void
fw_job_free (FwJob *self)
{
  if (self == NULL)
    return;
  g_free (self->model);
  g_free (self->other);
  g_strfreev (self->samples);
  g_free (self->output);
  g_free (self->out_dir);
  g_free (self->labels);
  g_free (self->preprocess);
  g_free (self->save_inputs);
  g_free (self->uniform);
  g_free (self->without);
  g_free (self->only);
  g_free (self->previews);
  g_clear_pointer (&self->recipe, json_node_unref);
  g_free (self);
}

static gboolean
bad_size (const char *text, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
               _ ("“%s” is not a size. Write it like 1.5MB, 800kB or 30%%."), text);
  return FALSE;
}

static double
unit_factor (const char *unit)
{
  static const struct
  {
    const char *name;
    double factor;
  } units[] = {
    { "", 1 },
    { "B", 1 },
    { "k", 1e3 },
    { "kB", 1e3 },
    { "KiB", 1024.0 },
    { "M", 1e6 },
    { "MB", 1e6 },
    { "MiB", 1048576.0 },
    { "G", 1e9 },
    { "GB", 1e9 },
    { "GiB", 1073741824.0 },
    { "T", 1e12 },
    { "TB", 1e12 },
    { "TiB", 1099511627776.0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_ascii_strcasecmp (unit, units[i].name) == 0)
      return units[i].factor;
  return 0;
}

gboolean
fw_job_parse_size (const char *text, guint64 *bytes, double *fraction, GError **error)
{
  g_autofree char *stripped = NULL;
  g_autofree char *number = NULL;
  gsize n_digits;
  double value, factor;
  const char *unit;

  g_return_val_if_fail (text != NULL && bytes != NULL, FALSE);

  stripped = g_strstrip (g_strdup (text));
  /* Only digits and one point: strtod() alone would take "inf", "0x10" and "1e9" too. */
  n_digits = strspn (stripped, "0123456789.");
  if (n_digits == 0 || n_digits > 30)
    return bad_size (text, error);
  number = g_strndup (stripped, n_digits);
  if (strcmp (number, ".") == 0 || strchr (number, '.') != strrchr (number, '.'))
    return bad_size (text, error);
  value = g_ascii_strtod (number, NULL);

  unit = stripped + n_digits;
  while (*unit == ' ')
    unit++;
  if (strcmp (unit, "%") == 0)
    {
      if (fraction == NULL || value <= 0 || value > 100)
        return bad_size (text, error);
      *fraction = value / 100;
      *bytes = 0;
      return TRUE;
    }

  factor = unit_factor (unit);
  value = floor (value * factor + 0.5);
  if (factor == 0 || value < 1 || value >= 0x1p63)
    return bad_size (text, error);
  *bytes = (guint64) value;
  if (fraction != NULL)
    *fraction = 0;
  return TRUE;
}

/* Members that are plain paths or words, and where they live in the struct. */
static const struct
{
  const char *name;
  gsize offset;
  gboolean is_path;
} text_members[] = {
  { "model", offsetof (FwJob, model), TRUE },
  { "other", offsetof (FwJob, other), TRUE },
  { "output", offsetof (FwJob, output), TRUE },
  { "out-dir", offsetof (FwJob, out_dir), TRUE },
  { "labels", offsetof (FwJob, labels), TRUE },
  { "preprocess", offsetof (FwJob, preprocess), FALSE },
  { "save-inputs", offsetof (FwJob, save_inputs), TRUE },
  { "uniform", offsetof (FwJob, uniform), FALSE },
  { "without", offsetof (FwJob, without), FALSE },
  { "only", offsetof (FwJob, only), FALSE },
  { "previews", offsetof (FwJob, previews), TRUE },
};

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  g_autofree char *valid = NULL;

  if (text == NULL)
    return;
  valid = fw_json_from_path (text);
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, valid);
}

static void
add_size (JsonBuilder *builder, const char *name, guint64 bytes, double fraction)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  if (bytes == 0 && fraction <= 0)
    return;
  json_builder_set_member_name (builder, name);
  if (bytes > 0)
    json_builder_add_int_value (builder, (gint64) MIN (bytes, (guint64) G_MAXINT64));
  else
    {
      g_autofree char *percent = NULL;

      g_ascii_formatd (buffer, sizeof buffer, "%.12f", fraction * 100);
      percent = g_strconcat (buffer, "%", NULL);
      json_builder_add_string_value (builder, percent);
    }
}

static void
add_numbers (JsonBuilder *builder, const FwJob *self)
{
  if (self->position >= 0)
    {
      json_builder_set_member_name (builder, "position");
      json_builder_add_double_value (builder, self->position);
    }
  add_size (builder, "max-size", self->max_size, self->max_fraction);
  add_size (builder, "min-same", 0, self->min_same);
  add_size (builder, "memory", self->memory, 0);
  if (!self->measure)
    {
      json_builder_set_member_name (builder, "no-measure");
      json_builder_add_boolean_value (builder, TRUE);
    }
  if (self->threads > 0)
    {
      json_builder_set_member_name (builder, "threads");
      json_builder_add_int_value (builder, self->threads);
    }
  if (self->seed > 0)
    {
      json_builder_set_member_name (builder, "seed");
      json_builder_add_int_value (builder, (gint64) self->seed);
    }
}

static void
add_name (JsonBuilder *builder, const char *member, const char *name)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, name);
}

static void
add_names (JsonBuilder *builder, const FwJob *self)
{
  add_name (builder, "prefer", fw_prefer_get_name (self->prefer));
  if (self->device != FW_DEVICE_THIS_COMPUTER)
    add_name (builder, "target", fw_device_get_name (self->device));
  if (self->care != FW_CARE_NORMAL)
    add_name (builder, "care", fw_care_get_name (self->care));
  if (self->command == FW_COMMAND_EXPORT)
    add_name (builder, "for", fw_target_get_name (self->target));
}

JsonNode *
fw_job_to_json (const FwJob *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_name (builder, "command", fw_command_get_name (self->command));
  for (guint i = 0; i < G_N_ELEMENTS (text_members); i++)
    add_text (builder, text_members[i].name,
              G_STRUCT_MEMBER (char *, self, text_members[i].offset));

  if (self->samples != NULL)
    {
      json_builder_set_member_name (builder, "samples");
      json_builder_begin_array (builder);
      for (char **path = self->samples; *path != NULL; path++)
        {
          g_autofree char *valid = fw_json_from_path (*path);

          json_builder_add_string_value (builder, valid);
        }
      json_builder_end_array (builder);
    }
  add_names (builder, self);
  if (self->version > 0)
    {
      json_builder_set_member_name (builder, "version");
      json_builder_add_int_value (builder, self->version);
    }
  if (self->recipe != NULL)
    {
      json_builder_set_member_name (builder, "recipe");
      json_builder_add_value (builder, json_node_copy (self->recipe));
    }
  add_numbers (builder, self);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static gboolean
bad_member (const char *name, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
               _ ("The job's member “%s” does not hold what it should."), name);
  return FALSE;
}

static const char *
string_of (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static gboolean
number_of (JsonNode *node, double low, double high, double *value)
{
  GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  /* Not a number fails too. */
  return *value >= low && *value <= high;
}

static gboolean
read_samples (FwJob *self, JsonNode *node, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  JsonArray *array;
  guint n;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return bad_member ("samples", error);
  array = json_node_get_array (node);
  n = json_array_get_length (array);
  if (n > MAX_SAMPLES)
    return bad_member ("samples", error);
  for (guint i = 0; i < n; i++)
    {
      const char *text = string_of (json_array_get_element (array, i));
      char *path = text != NULL ? fw_json_to_path (text, error) : NULL;

      if (text == NULL)
        return bad_member ("samples", error);
      if (path == NULL)
        return FALSE;
      g_ptr_array_add (paths, path);
    }
  g_ptr_array_add (paths, NULL);
  g_strfreev (self->samples);
  self->samples = (char **) g_ptr_array_free (g_steal_pointer (&paths), FALSE);
  return TRUE;
}

/* A size is a text with a unit, or a number of bytes. */
static gboolean
read_size (const char *name, JsonNode *node, guint64 *bytes, double *fraction, GError **error)
{
  const char *text = string_of (node);
  double value;

  if (text != NULL)
    return fw_job_parse_size (text, bytes, fraction, error);
  if (!number_of (node, 1, 0x1p62, &value))
    return bad_member (name, error);
  *bytes = (guint64) json_node_get_int (node);
  if (fraction != NULL)
    *fraction = 0;
  return TRUE;
}

/* A share is a number of percent, or a text such as "96%". */
static gboolean
read_percent (const char *name, JsonNode *node, double *share, GError **error)
{
  const char *text = string_of (node);
  guint64 bytes;
  double value;

  if (text != NULL)
    return (fw_job_parse_size (text, &bytes, share, NULL) && bytes == 0)
           || bad_member (name, error);
  if (!number_of (node, 0, 100, &value) || value == 0)
    return bad_member (name, error);
  *share = value / 100;
  return TRUE;
}

static gboolean
read_number_member (FwJob *self, const char *name, JsonNode *node, GError **error)
{
  double value = 0;

  if (strcmp (name, "position") == 0)
    return number_of (node, 0, 100, &self->position) || bad_member (name, error);
  if (strcmp (name, "max-size") == 0)
    return read_size (name, node, &self->max_size, &self->max_fraction, error);
  if (strcmp (name, "min-same") == 0)
    return read_percent (name, node, &self->min_same, error);
  if (strcmp (name, "version") == 0)
    {
      if (!number_of (node, 1, 0x1p62, &value) || json_node_get_value_type (node) != G_TYPE_INT64)
        return bad_member (name, error);
      self->version = json_node_get_int (node);
      return TRUE;
    }
  if (strcmp (name, "memory") == 0)
    return read_size (name, node, &self->memory, NULL, error);
  if (strcmp (name, "threads") == 0)
    {
      if (!number_of (node, 0, MAX_THREADS, &value))
        return bad_member (name, error);
      self->threads = (guint) value;
      return TRUE;
    }
  if (strcmp (name, "seed") == 0)
    {
      if (!number_of (node, 0, 0x1p63, &value) || json_node_get_int (node) < 0
          || json_node_get_value_type (node) != G_TYPE_INT64)
        return bad_member (name, error);
      self->seed = (guint64) json_node_get_int (node);
      return TRUE;
    }

  g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("A job has no member “%s”."), name);
  return FALSE;
}

static gboolean
read_text_member (FwJob *self, guint index, JsonNode *node, GError **error)
{
  char **member = &G_STRUCT_MEMBER (char *, self, text_members[index].offset);
  const char *text = string_of (node);
  char *value;

  if (text == NULL)
    return bad_member (text_members[index].name, error);
  if (text_members[index].is_path || g_str_has_prefix (text, "file:"))
    value = fw_json_to_path (text, error);
  else
    value = g_strdup (text);
  if (value == NULL)
    return FALSE;
  g_free (*member);
  *member = value;
  return TRUE;
}

static gboolean
read_member (FwJob *self, const char *name, JsonNode *node, GError **error)
{
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (text_members); i++)
    if (strcmp (name, text_members[i].name) == 0)
      return read_text_member (self, i, node, error);

  if (strcmp (name, "command") == 0)
    return TRUE;
  if (strcmp (name, "samples") == 0)
    return read_samples (self, node, error);
  if (strcmp (name, "prefer") == 0)
    return fw_prefer_from_name (string_of (node), &self->prefer) || bad_member (name, error);
  if (strcmp (name, "target") == 0)
    return fw_device_from_name (string_of (node), &self->device) || bad_member (name, error);
  if (strcmp (name, "care") == 0)
    return fw_care_from_name (string_of (node), &self->care) || bad_member (name, error);
  if (strcmp (name, "for") == 0)
    return fw_target_from_name (string_of (node), &self->target) || bad_member (name, error);
  if (strcmp (name, "no-measure") == 0)
    {
      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
        return bad_member (name, error);
      self->measure = !json_node_get_boolean (node);
      return TRUE;
    }
  if (strcmp (name, "recipe") == 0)
    {
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return bad_member (name, error);
      g_clear_pointer (&self->recipe, json_node_unref);
      self->recipe = json_node_copy (node);
      return TRUE;
    }
  return read_number_member (self, name, node, error);
}

static gboolean
needs_samples (FwCommand command)
{
  return command != FW_COMMAND_INSPECT && command != FW_COMMAND_REBUILD
         && command != FW_COMMAND_EXPORT;
}

static gboolean
check_complete (const FwJob *self, GError **error)
{
  const char *missing = NULL;
  guint n_targets = (self->position >= 0) + (self->max_size > 0 || self->max_fraction > 0)
                    + (self->min_same > 0);

  if (self->model == NULL && (self->command != FW_COMMAND_EXPORT || self->version == 0))
    missing = "model";
  else if (self->command == FW_COMMAND_COMPARE && self->other == NULL)
    missing = "other";
  else if (needs_samples (self->command) && (self->samples == NULL || self->samples[0] == NULL))
    missing = "samples";
  else if (self->command == FW_COMMAND_REBUILD && self->recipe == NULL)
    missing = "recipe";
  else if (self->command == FW_COMMAND_PATH && self->out_dir == NULL)
    missing = "out-dir";

  if (missing != NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("The job's member “%s” is missing."),
                   missing);
      return FALSE;
    }
  if (n_targets > 1)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("Only one of “position”, “max-size” and “min-same” can be asked for."));
      return FALSE;
    }
  if (self->without != NULL && self->only != NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("Only one of “without” and “only” can be asked for."));
      return FALSE;
    }
  return TRUE;
}

FwJob *
fw_job_from_json (JsonNode *node, GError **error)
{
  g_autoptr (FwJob) self = NULL;
  JsonObjectIter iter;
  JsonObject *object;
  JsonNode *member;
  const char *name;
  guint command;

  g_return_val_if_fail (node != NULL, NULL);

  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("A job is a JSON object."));
      return NULL;
    }
  object = json_node_get_object (node);
  member = json_object_get_member (object, "command");
  if (member == NULL
      || !find_name (command_names, G_N_ELEMENTS (command_names), string_of (member), &command))
    {
      bad_member ("command", error);
      return NULL;
    }

  self = fw_job_new ((FwCommand) command);
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &member))
    if (!read_member (self, name, member, error))
      return NULL;
  if (!check_complete (self, error))
    return NULL;
  return g_steal_pointer (&self);
}
