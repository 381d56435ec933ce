/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-verdict.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-json.h"

static JsonObject *
get_first (JsonArray *answers)
{
  JsonNode *node;

  if (answers == NULL || json_array_get_length (answers) == 0)
    return NULL;
  node = json_array_get_element (answers, 0);
  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static char *
name_first (JsonArray *answers)
{
  JsonObject *answer = get_first (answers);

  return answer != NULL ? fw_answer_bars_name_answer (answer) : g_strdup (_ ("no answer"));
}

static gboolean
is_right (JsonArray *answers, int label)
{
  JsonObject *answer = get_first (answers);

  return answer != NULL && (int) fw_json_get_number (answer, "index", -1) == label;
}

FwAnswerMark
fw_verdict_get_mark (FwSampleItem *sample, gboolean second)
{
  const int label = fw_sample_item_get_label (sample);
  JsonArray *answers
      = second ? fw_sample_item_get_other (sample) : fw_sample_item_get_original (sample);

  if (label >= 0)
    return is_right (answers, label) ? FW_ANSWER_MARK_RIGHT : FW_ANSWER_MARK_WRONG;
  if (second && fw_sample_item_get_changed (sample))
    return FW_ANSWER_MARK_CHANGED;
  return FW_ANSWER_MARK_NONE;
}

/* For models without answers by name. */
static char *
describe_difference (FwSampleItem *sample)
{
  const double difference = fw_sample_item_get_difference (sample);

  if (!isfinite (difference))
    return g_strdup (_ ("Something altogether different comes out."));
  if (difference == 0)
    return g_strdup (_ ("Exactly the same comes out."));
  if (fw_sample_item_get_changed (sample))
    /* Translators: how far a model's output is from what it was. */
    return g_strdup_printf (_ ("What comes out is off by %.1f%%: too much to count as the same."),
                            100 * difference);
  return g_strdup_printf (_ ("Nearly the same comes out: off by %.1f%%."), 100 * difference);
}

char *
fw_verdict_describe_sample (FwSampleItem *sample, const char *class_name)
{
  const int label = fw_sample_item_get_label (sample);
  g_autofree char *before = name_first (fw_sample_item_get_original (sample));
  g_autofree char *after = name_first (fw_sample_item_get_other (sample));
  g_autofree char *change = NULL;
  const gboolean was_right = is_right (fw_sample_item_get_original (sample), label);
  const gboolean right = is_right (fw_sample_item_get_other (sample), label);

  if (!isnan (fw_sample_item_get_difference (sample)))
    return describe_difference (sample);
  if (fw_sample_item_get_changed (sample))
    /* Translators: both are answers of a model to a picture, such as "owl". */
    change = g_strdup_printf (_ ("The answer changed from “%s” to “%s”."), before, after);
  else
    change = g_strdup_printf (_ ("The same answer: “%s”."), after);
  if (label < 0)
    return g_steal_pointer (&change);
  if (right)
    return g_strdup_printf (_ ("%s It is right."), change);
  if (was_right)
    return g_strdup_printf (_ ("%s The first one was right."), change);
  if (class_name == NULL)
    return g_strdup_printf (_ ("%s It is wrong."), change);
  return g_strdup_printf (_ ("%s Right would be “%s”."), change, class_name);
}

char *
fw_verdict_summarize_sample (FwSampleItem *sample)
{
  g_autofree char *before = name_first (fw_sample_item_get_original (sample));
  g_autofree char *after = name_first (fw_sample_item_get_other (sample));
  const double difference = fw_sample_item_get_difference (sample);

  if (isinf (difference))
    return g_strdup (_ ("another shape"));
  if (isfinite (difference))
    /* Translators: how far a model's output is from what it was. */
    return g_strdup_printf (_ ("off by %.1f%%"), 100 * difference);
  if (!fw_sample_item_get_changed (sample))
    return g_steal_pointer (&after);
  /* Translators: an answer that became another one. */
  return g_strdup_printf (_ ("%s → %s"), before, after);
}

static gboolean
is_general (JsonObject *result)
{
  return g_strcmp0 (fw_json_get_string (result, "task", NULL), "general") == 0;
}

/* What comes out of models without answers by name. */
static char *
describe_outputs (int stayed, int total)
{
  if (stayed == total)
    return g_strdup_printf (ngettext ("What comes out of the one sample is nearly the same.",
                                      "What comes out of all %d samples is nearly the same.",
                                      total),
                            total);
  return g_strdup_printf (ngettext ("What comes out of %d of %d sample is nearly the same.",
                                    "What comes out of %d of %d samples is nearly the same.",
                                    total),
                          stayed, total);
}

char *
fw_verdict_describe_result (JsonObject *result)
{
  JsonObject *same = result != NULL ? fw_json_get_object (result, "same") : NULL;
  const double total = same != NULL ? fw_json_get_number (same, "total", 0) : 0;
  const double stayed = same != NULL ? fw_json_get_number (same, "same", -1) : -1;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  int changed;

  if (!(total >= 1 && total < G_MAXINT && stayed >= 0 && stayed <= total))
    return NULL;
  if (is_general (result))
    return describe_outputs ((int) stayed, (int) total);
  changed = (int) (total - stayed);
  if (changed == 0)
    return g_strdup_printf (ngettext ("The one answer stayed the same.",
                                      "All %d answers stayed the same.", (int) total),
                            (int) total);
  first = g_strdup_printf (ngettext ("%d of %d answer stayed the same.",
                                     "%d of %d answers stayed the same.", (int) total),
                           (int) stayed, (int) total);
  second = g_strdup_printf (
      ngettext ("Look at the one that changed.", "Look at the %d that changed.", changed), changed);
  return g_strdup_printf ("%s %s", first, second);
}

static double
get_top1 (JsonObject *result, const char *name)
{
  JsonObject *accuracy = result != NULL ? fw_json_get_object (result, name) : NULL;

  return accuracy != NULL ? fw_json_get_number (accuracy, "top1", NAN) : NAN;
}

char *
fw_verdict_describe_accuracy (JsonObject *result)
{
  const double before = get_top1 (result, "original_accuracy");
  const double after = get_top1 (result, "accuracy");

  if (!isfinite (before) || !isfinite (after))
    return NULL;
  /* Translators: how many of the answers are right, before and after making the model smaller. */
  return g_strdup_printf (_ ("%.1f%% of the answers were right before, %.1f%% are now."),
                          100 * before, 100 * after);
}

typedef struct
{
  int label;
  int total;
  int before;
  int after;
} ClassChange;

static int
compare_changes (gconstpointer a, gconstpointer b)
{
  const ClassChange *left = a, *right = b;
  const int difference = (left->after - left->before) - (right->after - right->before);

  return difference != 0 ? difference : left->label - right->label;
}

static GArray *
find_changes (JsonObject *result)
{
  JsonArray *classes = result != NULL ? fw_json_get_array (result, "classes") : NULL;
  GArray *changes = g_array_new (FALSE, TRUE, sizeof (ClassChange));

  for (guint i = 0; classes != NULL && i < json_array_get_length (classes); i++)
    {
      JsonNode *node = json_array_get_element (classes, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      ClassChange change = { 0 };

      if (entry == NULL)
        continue;
      change.label = (int) fw_json_get_number (entry, "label", -1);
      change.total = (int) fw_json_get_number (entry, "total", 0);
      change.before = (int) fw_json_get_number (entry, "original_right", 0);
      change.after = (int) fw_json_get_number (entry, "right", 0);
      if (change.label >= 0 && change.before != change.after)
        g_array_append_val (changes, change);
    }
  g_array_sort (changes, compare_changes);
  return changes;
}

char **
fw_verdict_list_classes (JsonObject *result, GHashTable *names)
{
  g_autoptr (GArray) changes = find_changes (result);
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();

  for (guint i = 0; i < changes->len; i++)
    {
      const ClassChange *change = &g_array_index (changes, ClassChange, i);
      const char *known
          = names != NULL ? g_hash_table_lookup (names, GINT_TO_POINTER (change->label)) : NULL;
      g_autofree char *name
          = known != NULL ? g_strdup (known) : g_strdup_printf (_ ("Answer %d"), change->label);

      /* Translators: of the pictures of a kind ("owl"), how many are answered rightly now, and how
       * many were before. */
      g_ptr_array_add (lines, g_strdup_printf (_ ("%s: %d of %d right, before %d"), name,
                                               change->after, change->total, change->before));
    }
  if (lines->len == 0)
    return NULL;
  g_ptr_array_add (lines, NULL);
  return (char **) g_ptr_array_steal (lines, NULL);
}
