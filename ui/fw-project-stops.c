/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-project-private.h"

#include <math.h>

#include "fw-json.h"

/* Until the worker has recommended one, the smallest version that keeps this share of the answers
 * and is about as fast is shown. */
#define ENOUGH_SAME 0.96
#define ENOUGH_SPEED 0.97
/* Positions closer than this are the same stop. */
#define SAME_POSITION 1e-6

void
fw_project_select_stop (FwProject *self, FwStopItem *stop)
{
  if (g_set_object (&self->selected, stop))
    fw_project_notify (self, PROP_SELECTED);
}

void
fw_project_set_recommended (FwProject *self, FwStopItem *stop)
{
  if (self->recommended == stop)
    return;
  if (self->recommended != NULL)
    fw_stop_item_set_recommended (self->recommended, FALSE);
  g_set_object (&self->recommended, stop);
  if (stop != NULL)
    fw_stop_item_set_recommended (stop, TRUE);
  fw_project_notify (self, PROP_RECOMMENDED);
}

FwStopItem *
fw_project_find_nearest (FwProject *self, double position)
{
  g_autoptr (FwStopItem) best = NULL;
  double distance = INFINITY;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->stops)); i++)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (G_LIST_MODEL (self->stops), i);
      const double here = fabs (fw_stop_item_get_position (stop) - position);

      if (here < distance)
        {
          distance = here;
          g_set_object (&best, stop);
        }
    }
  return g_steal_pointer (&best);
}

static int
compare_positions (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const double left = fw_stop_item_get_position ((FwStopItem *) a);
  const double right = fw_stop_item_get_position ((FwStopItem *) b);

  return (left > right) - (left < right);
}

static void
select_best_so_far (FwProject *self)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->stops));

  if (self->user_selected)
    return;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (G_LIST_MODEL (self->stops), i);

      if (fw_stop_item_get_faithfulness (stop) >= ENOUGH_SAME
          && !(fw_stop_item_get_speedup (stop) < ENOUGH_SPEED))
        {
          fw_project_select_stop (self, stop);
          return;
        }
    }
  if (self->selected == NULL && n > 0)
    {
      g_autoptr (FwStopItem) original = g_list_model_get_item (G_LIST_MODEL (self->stops), n - 1);

      fw_project_select_stop (self, original);
    }
}

/* What was measured before the path was known goes when more is known. */
static void
drop_provisional_stops (FwProject *self)
{
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (self->stops)); i-- > 0;)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (G_LIST_MODEL (self->stops), i);

      if (!fw_stop_item_is_provisional (stop))
        continue;
      g_list_store_remove (self->stops, i);
      if (self->selected == stop)
        {
          self->user_selected = FALSE;
          fw_project_select_stop (self, NULL);
        }
    }
}

void
fw_project_add_stop (FwProject *self, JsonObject *event)
{
  g_autoptr (FwStopItem) stop = fw_stop_item_new (event);
  g_autoptr (FwStopItem) nearest = NULL;
  guint index;

  drop_provisional_stops (self);
  nearest = fw_project_find_nearest (self, fw_stop_item_get_position (stop));
  /* Measured once more: the newer figures count. */
  if (nearest != NULL && !fw_stop_item_is_original (nearest)
      && fabs (fw_stop_item_get_position (nearest) - fw_stop_item_get_position (stop))
             < SAME_POSITION
      && g_list_store_find (self->stops, nearest, &index))
    {
      const gboolean selected = self->selected == nearest;

      g_list_store_splice (self->stops, index, 1, (gpointer *) &stop, 1);
      if (selected)
        fw_project_select_stop (self, stop);
    }
  else
    {
      g_list_store_insert_sorted (self->stops, stop, compare_positions, NULL);
    }
  select_best_so_far (self);
}

void
fw_project_forget_stops (FwProject *self)
{
  fw_project_set_recommended (self, NULL);
  fw_project_select_stop (self, NULL);
  self->user_selected = FALSE;
  fw_project_take_object (self, &self->result, NULL, PROP_RESULT);
  g_ptr_array_set_size (self->stale, 0);
  g_list_store_remove_all (self->stops);
}

void
fw_project_keep_stops (FwProject *self)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->stops));

  for (guint i = 0; i + 1 < n; i++)
    g_ptr_array_add (self->stale, g_list_model_get_item (G_LIST_MODEL (self->stops), i));
}

void
fw_project_drop_stale_stops (FwProject *self)
{
  for (guint i = 0; i < self->stale->len; i++)
    {
      guint index;

      if (!g_list_store_find (self->stops, g_ptr_array_index (self->stale, i), &index))
        continue;
      if (self->selected == g_ptr_array_index (self->stale, i))
        {
          self->user_selected = FALSE;
          fw_project_select_stop (self, NULL);
        }
      g_list_store_remove (self->stops, index);
    }
  g_ptr_array_set_size (self->stale, 0);
}

void
fw_project_add_original (FwProject *self)
{
  const double size = fw_json_get_number (self->inspection, "size_bytes", 0);
  g_autoptr (FwStopItem) original = fw_stop_item_new_original (size > 0 ? (guint64) size : 0);

  g_list_store_append (self->stops, original);
  fw_project_select_stop (self, original);
}
