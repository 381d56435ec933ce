/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-report-json.h"

#include <glib/gi18n-lib.h>
#include <math.h>

void
fw_report_add_number (JsonObject *object, const char *member, double value)
{
  if (isfinite (value))
    json_object_set_double_member (object, member, value);
  else
    json_object_set_null_member (object, member);
}

static void
add_latency (JsonObject *object, const char *member, const FwLatency *latency)
{
  JsonObject *value = json_object_new ();

  fw_report_add_number (value, "median", latency->median);
  fw_report_add_number (value, "p95", latency->p95);
  json_object_set_object_member (object, member, value);
}

static void
add_accuracy (JsonObject *object, const char *member, const FwAccuracy *accuracy)
{
  JsonObject *value = json_object_new ();

  json_object_set_int_member (value, "total", accuracy->total);
  fw_report_add_number (value, "top1", accuracy->top1);
  fw_report_add_number (value, "top5", accuracy->top5);
  fw_report_add_number (value, "low", accuracy->interval.low);
  fw_report_add_number (value, "high", accuracy->interval.high);
  json_object_set_object_member (object, member, value);
}

static void
add_same (JsonObject *object, const FwSame *same)
{
  JsonObject *value = json_object_new ();

  json_object_set_int_member (value, "same", same->same);
  json_object_set_int_member (value, "total", same->total);
  fw_report_add_number (value, "fraction", same->total > 0 ? (double) same->same / same->total : 1);
  fw_report_add_number (value, "low", same->interval.low);
  fw_report_add_number (value, "high", same->interval.high);
  json_object_set_object_member (object, "same", value);
}

static void
add_classes (JsonObject *object, GArray *classes)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; classes != NULL && i < classes->len; i++)
    {
      const FwClassAccuracy *entry = &g_array_index (classes, FwClassAccuracy, i);
      JsonObject *value = json_object_new ();

      json_object_set_int_member (value, "label", entry->label);
      json_object_set_int_member (value, "total", entry->total);
      json_object_set_int_member (value, "original_right", entry->original_right);
      json_object_set_int_member (value, "right", entry->other_right);
      json_array_add_object_element (array, value);
    }
  json_object_set_array_member (object, "classes", array);
}

static void
add_speed (JsonObject *object, const FwMeasurement *measurement)
{
  JsonObject *speedup;

  if (!measurement->has_latency)
    {
      json_object_set_null_member (object, "latency_ms");
      json_object_set_null_member (object, "original_latency_ms");
      json_object_set_null_member (object, "speedup");
      return;
    }
  add_latency (object, "latency_ms", &measurement->latency.other);
  add_latency (object, "original_latency_ms", &measurement->latency.original);
  speedup = json_object_new ();
  fw_report_add_number (speedup, "median", measurement->latency.speedup);
  fw_report_add_number (speedup, "low", measurement->latency.interval.low);
  fw_report_add_number (speedup, "high", measurement->latency.interval.high);
  json_object_set_object_member (object, "speedup", speedup);
  json_object_set_boolean_member (object, "latency_is_rough",
                                  fw_latency_is_rough (&measurement->latency));
}

static JsonObject *
describe_error (const char *name, double error)
{
  JsonObject *value = json_object_new ();
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  json_object_set_string_member (value, "name", valid);
  fw_report_add_number (value, "error", error);
  fw_report_add_number (value, "sqnr_db", fw_error_to_decibels (error));
  return value;
}

static void
add_output_errors (JsonObject *object, const FwMeasurement *measurement, const FwTrialHalf *trial)
{
  JsonArray *errors;
  const FwSample *worst;

  if (measurement->errors == NULL)
    {
      json_object_set_null_member (object, "output_error");
      json_object_set_null_member (object, "worst_sample");
      return;
    }
  errors = json_array_new ();
  for (guint i = 0; i < trial->n_outputs; i++)
    json_array_add_object_element (
        errors, describe_error (trial->output_names[i], measurement->output_errors[i]));
  json_object_set_array_member (object, "output_error", errors);
  worst = g_ptr_array_index (trial->samples, measurement->worst);
  json_object_set_object_member (
      object, "worst_sample",
      describe_error (worst->name, measurement->errors[measurement->worst].error));
}

void
fw_report_add_measurement (JsonObject *object,
                           const FwMeasurement *measurement,
                           const FwTrialHalf *trial)
{
  const FwAgreement *agreement = measurement->agreement;

  add_same (object, &agreement->same);
  if (agreement->has_labels)
    {
      add_accuracy (object, "accuracy", &agreement->accuracy);
      add_accuracy (object, "original_accuracy", &agreement->original_accuracy);
      fw_report_add_number (object, "accuracy_change_probability", agreement->mcnemar);
      add_classes (object, agreement->classes);
    }
  else
    {
      json_object_set_null_member (object, "accuracy");
      json_object_set_null_member (object, "original_accuracy");
    }
  add_speed (object, measurement);
  fw_report_add_number (object, "sqnr_db", measurement->sqnr);
  add_output_errors (object, measurement, trial);
}

/* Between what numbers of bits most weights are stored: a tenth of them may lie on either side. */
static void
add_bits (JsonObject *object, GPtrArray *units, FwRecipe *recipe)
{
  JsonObject *bits = json_object_new ();
  double weights[FW_N_WIDTHS] = { 0 }, all = 0, sum = 0, below = 0;
  guint low = 0, high = 0;

  for (guint i = 0; i < units->len; i++)
    {
      const FwUnit *unit = g_ptr_array_index (units, i);

      weights[fw_width_find (fw_option_get_bits (fw_recipe_get_option (recipe, unit->name)))]
          += unit->n_weights;
      all += unit->n_weights;
    }
  for (guint k = FW_N_WIDTHS; k-- > 0;)
    {
      below += weights[k];
      sum += weights[k] * fw_widths[k];
      if (low == 0 && below > 0.1 * all)
        low = fw_widths[k];
      if (high == 0 && below >= 0.9 * all)
        high = fw_widths[k];
    }
  json_object_set_int_member (bits, "low", low);
  json_object_set_int_member (bits, "high", high);
  fw_report_add_number (bits, "mean", all > 0 ? sum / all : 32);
  json_object_set_object_member (object, "bits", bits);
}

void
fw_report_add_options (JsonObject *object, GPtrArray *units, FwRecipe *recipe)
{
  JsonArray *kept = json_array_new ();
  JsonObject *options = json_object_new ();

  for (guint i = 0; i < units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (units, i);
      FwOption option = fw_recipe_get_option (recipe, unit->name);
      const char *name = fw_option_get_name (option);
      JsonObject *entry;

      json_object_set_int_member (options, name,
                                  json_object_get_int_member_with_default (options, name, 0) + 1);
      if (fw_option_get_bits (option) <= 8)
        continue;
      entry = json_object_new ();
      json_object_set_string_member (entry, "layer", unit->name);
      json_object_set_string_member (entry, "option", name);
      json_object_set_string_member (
          entry, "reason",
          unit->can[FW_ARITHMETIC_FLOAT]
              ? _ ("rounding it to 8 bits would change the answers more, for what it saves, than "
                   "rounding the others")
              : unit->why_not);
      json_array_add_object_element (kept, entry);
    }
  json_object_set_array_member (object, "kept_float", kept);
  json_object_set_object_member (object, "options", options);
  add_bits (object, units, recipe);
}

void
fw_report_add_warning (JsonArray *warnings, FwError code, const char *message)
{
  JsonObject *warning = json_object_new ();
  const char *hint = fw_error_get_hint (code);

  json_object_set_string_member (warning, "code", fw_error_get_name (code));
  json_object_set_string_member (warning, "message", message);
  if (hint != NULL)
    json_object_set_string_member (warning, "hint", hint);
  json_array_add_object_element (warnings, warning);
}

JsonArray *
fw_report_answer (const FwAnswer *answer, FwSampleSet *set, GPtrArray *names)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < answer->n; i++)
    {
      JsonObject *entry = json_object_new ();
      const char *name = fw_sample_set_get_class_name (set, answer->index[i]);

      if (name == NULL && names != NULL && answer->index[i] < names->len)
        name = g_ptr_array_index (names, answer->index[i]);
      json_object_set_int_member (entry, "index", answer->index[i]);
      if (name != NULL)
        json_object_set_string_member (entry, "name", name);
      fw_report_add_number (entry, "probability", answer->probability[i]);
      json_array_add_object_element (array, entry);
    }
  return array;
}
