/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-region-time.h"

#include <math.h>

#include "fw-latency.h"

/* Seconds for each place where int8 might begin. */
#define SECONDS_PER_CUT 0.25

/* Of each row the first input: those of models with one. */
static GPtrArray *
list_inputs (const FwTrial *trial)
{
  GPtrArray *inputs = g_ptr_array_new ();

  for (guint i = 0; i < trial->rows->len; i++)
    {
      GPtrArray *row = g_ptr_array_index (trial->rows, i);

      g_ptr_array_add (inputs, g_ptr_array_index (row, 0));
    }
  return inputs;
}

static gboolean
measure_cut (const FwTrial *trial,
             FwSession *original,
             guint first,
             double *share,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (trial->recipe);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) inputs = list_inputs (trial);
  g_autoptr (GError) local = NULL;
  FwLatencyComparison latency;

  for (guint i = first; i < trial->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (trial->units, i);

      if (fw_rewriter_can (trial->rewriter, trial->recipe, i, FW_OPTION_INT8_COMPUTE))
        fw_recipe_set_option (recipe, unit->name, FW_OPTION_INT8_COMPUTE);
    }
  model = fw_rewriter_build (trial->rewriter, recipe, error);
  if (model == NULL)
    return FALSE;
  session = fw_trial_load (model, NULL, trial->threads, &local);
  if (session != NULL
      && fw_latency_compare (original, session, fw_session_get_input (original, 0)->name, inputs,
                             SECONDS_PER_CUT, &latency, cancellable, &local))
    {
      *share = 1 / MAX (latency.speedup, 1e-3);
      g_debug ("int8 from unit %u on: %.3f of the time", first, *share);
      return TRUE;
    }
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_message ("int8 from unit %u on does not run: %s", first, local->message);
  *share = INFINITY;
  return TRUE;
}

/* Places to begin: each of the first few units, where most of the time of a picture network goes,
 * then ever farther apart. */
static GArray *
choose_cuts (guint n_units, guint max_cuts)
{
  GArray *cuts = g_array_new (FALSE, FALSE, sizeof (guint));
  double step = 1;

  for (double place = 0; (guint) place < n_units && cuts->len < max_cuts; place += step)
    {
      guint cut = place;

      g_array_append_val (cuts, cut);
      if (cuts->len >= 3)
        step = MAX (1, step * (n_units > max_cuts ? 1.35 : 1));
    }
  return cuts;
}

gboolean
fw_region_time_measure (const FwTrial *trial,
                        FwSession *original,
                        guint max_cuts,
                        double *share,
                        FwProgress *progress,
                        GCancellable *cancellable,
                        GError **error)
{
  guint n = trial->units->len;
  g_autoptr (GArray) cuts = choose_cuts (n, max_cuts);
  guint end = n;

  share[n] = 1;
  for (guint c = cuts->len; c-- > 0;)
    {
      guint cut = g_array_index (cuts, guint, c);

      if (!measure_cut (trial, original, cut, &share[cut], cancellable, error))
        return FALSE;
      for (guint i = cut + 1; i < end; i++)
        share[i] = share[cut] + (share[end] - share[cut]) * (i - cut) / (end - cut);
      end = cut;
      fw_progress_report (progress, (double) (cuts->len - c) / cuts->len);
    }
  return TRUE;
}
