/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-stops.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <math.h>

#include "fw-error.h"
#include "fw-extra-care.h"
#include "fw-file.h"
#include "fw-large-job.h"
#include "fw-processor.h"
#include "fw-recommend.h"
#include "fw-report-json.h"
#include "fw-signed.h"

/* Stops measured first, and more of them to settle the recommendation. */
#define N_STOPS 9
#define N_MORE_STOPS 3
/* Of a large model, of which each takes minutes and gigabytes. */
#define N_LARGE_STOPS 5
#define N_MORE_LARGE_STOPS 1
/* Seconds of interleaved runs for each stop, and when the first figure is not clear. */
#define SECONDS_OF_LATENCY 0.6
#define MORE_SECONDS_OF_LATENCY 2.0
/* Until the path is known, what its smallest version is taken to cost. */
#define GUESSED_LEAST_COST 0.1

static void
stop_free (FwStop *self)
{
  g_clear_pointer (&self->recipe, fw_recipe_free);
  g_clear_pointer (&self->measurement, fw_measurement_free);
  g_clear_pointer (&self->choosing, fw_agreement_free);
  g_free (self->path);
  g_free (self->sha256);
  g_free (self);
}

FwStops *
fw_stops_new (FwShrinkJob *job)
{
  FwStops *self = g_new0 (FwStops, 1);

  self->job = job;
  self->first_seconds = self->decoding_seconds = NAN;
  self->stops = g_ptr_array_new_with_free_func ((GDestroyNotify) stop_free);
  return self;
}

void
fw_stops_free (FwStops *self)
{
  g_clear_pointer (&self->first, stop_free);
  g_ptr_array_unref (self->stops);
  g_free (self);
}

static void
report_stop (double fraction, gpointer user_data)
{
  FwStops *self = user_data;
  guint n = MAX (self->n_planned, self->n_done + 1);

  fw_events_phase (self->job->events, FW_PHASE_MEASURE, (self->n_done + fraction) / n);
}

static gboolean
is_not_slower (const FwMeasurement *measurement)
{
  return !measurement->has_latency || measurement->latency.speedup >= FW_STOP_LEAST_SPEEDUP;
}

/* JSON ------------------------------------------------------------------------------------------
 */

static JsonArray *
list_warnings (FwStop *self)
{
  JsonArray *warnings = json_array_new ();

  if (self->measurement != NULL && !is_not_slower (self->measurement))
    {
      g_autofree char *message
          = g_strdup_printf (_ ("This version takes %.2f times as long as the original on this "
                                "computer."),
                             1 / self->measurement->latency.speedup);

      fw_report_add_warning (warnings, FW_ERROR_SLOWER_HERE, message);
    }
  return warnings;
}

JsonObject *
fw_stop_to_json (FwStop *self, FwShrinkJob *job)
{
  JsonObject *object = json_object_new ();

  fw_report_add_number (object, "position", self->position);
  json_object_set_int_member (object, "size_bytes", self->size);
  json_object_set_int_member (object, "original_size_bytes", job->original_size);
  fw_report_add_number (object, "fraction", (double) self->size / job->original_size);
  json_object_set_boolean_member (object, "recommended", self->is_recommended);
  if (self->is_provisional)
    json_object_set_boolean_member (object, "provisional", TRUE);
  json_object_set_string_member (object, "target", fw_device_get_name (job->job->device));
  if (self->measurement != NULL)
    fw_report_add_measurement (object, self->measurement, job->trial);
  else
    {
      static const char *const members[]
          = { "same",    "accuracy", "original_accuracy", "latency_ms",   "original_latency_ms",
              "speedup", "sqnr_db",  "output_error",      "worst_sample", NULL };

      for (guint i = 0; members[i] != NULL; i++)
        json_object_set_null_member (object, members[i]);
    }
  fw_report_add_options (object, job->units, self->recipe);
  json_object_set_array_member (object, "warnings", list_warnings (self));
  json_object_set_member (object, "recipe", fw_recipe_to_json (self->recipe));
  json_object_set_string_member (object, "sha256", self->sha256);
  json_object_set_string_member (object, "file", self->path);
  return object;
}

/* Building and measuring ------------------------------------------------------------------------
 */

/* Takes the time that the job wants taken. */
static gboolean
improve (FwStops *self, FwStop *stop, GError **error)
{
  FwShrinkJob *job = self->job;
  const FwExtraCare care = { .rewriter = job->rewriter,
                             .units = job->units,
                             .rows = job->rows,
                             .repairs = job->repairs,
                             .max_bytes = fw_shrink_job_get_memory_limit (),
                             .threads = job->job->threads,
                             .held_back = job->few,
                             .scores = (const char *const *) job->scores };
  g_autoptr (GError) local = NULL;

  if (job->rows->len == 0 || stop->is_provisional
      || fw_extra_care_improve (&care, stop->recipe, NULL, job->cancellable, &local))
    return TRUE;
  if (fw_error_get_code (local) == FW_ERROR_CANCELLED)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_message ("A version goes without extra care: %s", local->message);
  return TRUE;
}

/* The file as it will be used: for ARM, with signed activations. */
static FwModel *
build_model (FwStops *self, FwStop *stop, GError **error)
{
  FwShrinkJob *job = self->job;
  g_autoptr (FwModel) model = NULL;

  if ((job->repair != NULL
       && !fw_repair_fill (job->repair, stop->recipe, NULL, job->cancellable, error))
      || !improve (self, stop, error))
    return NULL;
  model = fw_rewriter_build_file (job->rewriter, stop->recipe, error);
  if (model == NULL || job->job->device != FW_DEVICE_PHONE || !fw_signed_has_activations (model))
    return g_steal_pointer (&model);
  return fw_signed_new (model, error);
}

static gboolean
build_file (FwStops *self, FwStop *stop, const char *name, GError **error)
{
  g_autoptr (FwModel) model = build_model (self, stop, error);
  g_autofree char *file = g_strdup_printf ("%s.onnx", name);

  if (model == NULL)
    return FALSE;
  stop->path = g_build_filename (self->job->folder, file, NULL);
  if (!fw_model_save (model, stop->path, self->job->cancellable, error))
    return FALSE;
  stop->size = fw_model_get_size (model);
  stop->sha256 = fw_file_sha256 (stop->path, self->job->cancellable, error);
  return stop->sha256 != NULL;
}

/* Divides what was measured: the samples for choosing, and those whose figures are shown. */
static void
set_samples_apart (FwStops *self, FwStop *stop)
{
  FwTrialHalf *trial = self->job->trial;
  guint n = trial->n_choosing, n_all = trial->samples->len;

  if (n == 0)
    return;
  stop->choosing = fw_trial_half_agree (trial, stop->measurement, 0, n);
  fw_agreement_free (stop->measurement->agreement);
  stop->measurement->agreement = fw_trial_half_agree (trial, stop->measurement, n, n_all - n);
}

static gboolean
measure_for (FwStops *self, FwStop *stop, double seconds, GError **error)
{
  g_autoptr (FwProgress) progress = fw_progress_new (report_stop, self);

  g_clear_pointer (&stop->measurement, fw_measurement_free);
  stop->measurement = fw_trial_half_measure (self->job->trial, stop->path, seconds,
                                             stop->is_provisional ? NULL : progress,
                                             self->job->cancellable, error);
  return stop->measurement != NULL;
}

static gboolean
measure (FwStops *self, FwStop *stop, GError **error)
{
  /* Times of this computer say nothing about another one. */
  gboolean is_timed = !stop->is_provisional && fw_processor_is_here (self->job->job->device);

  if (!measure_for (self, stop, is_timed ? SECONDS_OF_LATENCY : 0, error))
    return FALSE;
  /* Too close to call: look longer before calling it slower. */
  if (!is_not_slower (stop->measurement)
      && stop->measurement->latency.interval.high >= FW_STOP_LEAST_SPEEDUP
      && !measure_for (self, stop, MORE_SECONDS_OF_LATENCY, error))
    return FALSE;
  set_samples_apart (self, stop);
  return TRUE;
}

/* Why a stop is not offered at all, as a warning; FALSE where it is fine. */
static gboolean
breaks_contract (FwStops *self, FwStop *stop)
{
  g_autofree char *message = NULL;

  if (stop->size >= self->job->original_size)
    {
      message = g_strdup (_ ("A version was left out because it was not smaller."));
      fw_events_warning (self->job->events, FW_ERROR_NOT_SMALLER, message);
      return TRUE;
    }
  if (stop->measurement != NULL
      && (stop->measurement->agreement->new_not_finite > 0
          || (stop->choosing != NULL && stop->choosing->new_not_finite > 0)))
    {
      message
          = g_strdup (_ ("A version was left out because it gave answers that are no numbers."));
      fw_events_warning (self->job->events, FW_ERROR_NEW_NAN, message);
      return TRUE;
    }
  return FALSE;
}

static int
compare_stops (gconstpointer a, gconstpointer b)
{
  const FwStop *left = *(FwStop *const *) a, *right = *(FwStop *const *) b;

  if (left->position != right->position)
    return left->position > right->position ? -1 : 1;
  return 0;
}

/* FALSE with no error where the version itself does not load or run. */
static gboolean
measure_or_leave_out (FwStops *self, FwStop *stop, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean is_its_own;

  if (!self->job->job->measure || measure (self, stop, &local))
    return TRUE;
  /* The original was loaded and ran on the same samples: the fault is this version's alone. */
  is_its_own = fw_error_get_code (local) == FW_ERROR_UNSUPPORTED_MODEL
               || fw_error_get_code (local) == FW_ERROR_UNKNOWN_OPERATOR
               || fw_error_get_code (local) == FW_ERROR_RUNTIME_FAILED;
  if (is_its_own)
    g_warning ("A version did not load or run: %s", local->message);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Takes @stop; NULL where there is none to offer. */
static FwStop *
finish_stop (FwStops *self, FwStop *stop, const char *name, GError **error)
{
  if (!build_file (self, stop, name, error) || !measure_or_leave_out (self, stop, error))
    {
      stop_free (stop);
      return NULL;
    }
  self->n_done += !stop->is_provisional;
  if (breaks_contract (self, stop))
    {
      g_unlink (stop->path);
      stop_free (stop);
      return NULL;
    }
  return stop;
}

static void
say_stop (FwStops *self, FwStop *stop)
{
  fw_events_emit (self->job->events, "stop", fw_stop_to_json (stop, self->job));
}

FwStop *
fw_stops_add (FwStops *self, guint n_steps, FwRecipe *recipe, const char *name, GError **error)
{
  FwStop *stop = g_new0 (FwStop, 1);

  stop->n_steps = n_steps;
  stop->recipe = recipe;
  if (self->job->path != NULL)
    {
      stop->position = fw_path_get_position (self->job->path, n_steps);
      stop->cost = ((FwStep *) g_ptr_array_index (self->job->path->steps, n_steps - 1))->cost;
    }
  stop = finish_stop (self, stop, name, error);
  if (stop == NULL)
    return NULL;
  g_ptr_array_add (self->stops, stop);
  g_ptr_array_sort (self->stops, compare_stops);
  say_stop (self, stop);
  return stop;
}

gboolean
fw_stops_add_first (FwStops *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  FwRecipe *recipe = fw_shrink_job_make_first_recipe (self->job, error);
  FwStop *stop;

  if (recipe == NULL)
    return FALSE;
  stop = g_new0 (FwStop, 1);
  stop->is_provisional = TRUE;
  stop->recipe = recipe;
  stop = finish_stop (self, stop, "first", &local);
  if (stop == NULL && local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (stop == NULL)
    return TRUE;
  stop->cost
      = fw_path_weigh (self->job->job->prefer, (double) stop->size / self->job->original_size, 1);
  stop->position
      = CLAMP (100 * (stop->cost - GUESSED_LEAST_COST) / (1 - GUESSED_LEAST_COST), 1, 99);
  self->first = stop;
  self->first_seconds = (g_get_monotonic_time () - self->job->begun) / 1e6;
  self->decoding_seconds = self->job->decoding / 1e6;
  say_stop (self, stop);
  return TRUE;
}

FwStop *
fw_stops_add_prefix (FwStops *self, guint n_steps, GError **error)
{
  g_autofree char *name = g_strdup_printf ("stop-%04u", n_steps);

  for (guint i = 0; i < self->stops->len; i++)
    {
      FwStop *stop = g_ptr_array_index (self->stops, i);

      if (stop->n_steps == n_steps)
        return stop;
    }
  return fw_stops_add (self, n_steps,
                       fw_path_make_recipe (self->job->path, &self->job->input, n_steps), name,
                       error);
}

/* Recommendation --------------------------------------------------------------------------------
 */

FwStop *
fw_stops_get_recommended (FwStops *self)
{
  for (guint i = 0; i < self->stops->len; i++)
    {
      FwStop *stop = g_ptr_array_index (self->stops, i);

      if (stop->is_recommended)
        return stop;
    }
  return NULL;
}

static void
recommend (FwStops *self)
{
  FwStop *best = self->job->job->measure ? fw_recommend_find (self, 0) : NULL;

  for (guint i = 0; i < self->stops->len; i++)
    ((FwStop *) g_ptr_array_index (self->stops, i))->is_recommended = FALSE;
  if (best != NULL)
    best->is_recommended = TRUE;
}

/* Middle first, then the ends, then the rest: something useful soon. */
static void
order_for_haste (GArray *stops)
{
  g_autoptr (GArray) ordered = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree gboolean *is_taken = g_new0 (gboolean, stops->len);
  const double places[] = { 0.7, 1, 0.35 };

  for (guint k = 0; k < G_N_ELEMENTS (places) && stops->len > 0; k++)
    {
      guint i = places[k] * (stops->len - 1) + 0.5;

      if (!is_taken[i])
        g_array_append_val (ordered, g_array_index (stops, guint, i));
      is_taken[i] = TRUE;
    }
  for (guint i = 0; i < stops->len; i++)
    if (!is_taken[i])
      g_array_append_val (ordered, g_array_index (stops, guint, i));
  for (guint i = 0; i < stops->len; i++)
    g_array_index (stops, guint, i) = g_array_index (ordered, guint, i);
}

/* The path knows sizes within a few bytes; neighbours in a tiny model may turn out the other way
 * round. */
static void
drop_larger (FwStops *self)
{
  guint64 least = G_MAXUINT64;

  for (guint i = 0; i < self->stops->len;)
    {
      FwStop *stop = g_ptr_array_index (self->stops, i);

      if (stop->size > least)
        {
          g_unlink (stop->path);
          g_ptr_array_remove_index (self->stops, i);
          continue;
        }
      least = stop->size;
      i++;
    }
}

/* Now that the path is known, the provisional stop gets its true place on it. */
static void
place_first (FwStops *self)
{
  if (self->first == NULL)
    return;
  self->first->position = fw_path_place (self->job->path, self->first->cost);
  say_stop (self, self->first);
}

gboolean
fw_stops_measure_path (FwStops *self, GError **error)
{
  gboolean is_large = fw_large_job_is_on ();
  guint n_more = is_large ? N_MORE_LARGE_STOPS : N_MORE_STOPS;
  g_autoptr (GArray) planned
      = fw_path_choose_stops (self->job->path, is_large ? N_LARGE_STOPS : N_STOPS);
  double least_same = self->job->job->min_same;
  guint next;

  place_first (self);
  self->n_planned = planned->len + n_more;
  order_for_haste (planned);
  for (guint i = 0; i < planned->len; i++)
    {
      g_autoptr (GError) local = NULL;

      if (fw_stops_add_prefix (self, g_array_index (planned, guint, i), &local) == NULL
          && local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  for (guint i = 0; i < n_more && self->job->job->measure
                    && (next = fw_recommend_find_next (self, least_same)) != 0;
       i++)
    {
      g_autoptr (GError) local = NULL;

      if (fw_stops_add_prefix (self, next, &local) == NULL)
        {
          if (local == NULL)
            break;
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  fw_events_phase (self->job->events, FW_PHASE_MEASURE, 1);
  drop_larger (self);
  recommend (self);
  return TRUE;
}
