/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-words.h"

#include <glib/gi18n-lib.h>
#include <math.h>

/* Closer to the original's speed than this is said to be as fast. */
#define ABOUT 0.03

char *
fw_words_size (guint64 bytes)
{
  return g_format_size (bytes);
}

char *
fw_words_saved (FwStopItem *stop)
{
  const guint64 original = fw_stop_item_get_original_size (stop);
  const guint64 size = fw_stop_item_get_size (stop);
  int percent;

  if (fw_stop_item_is_original (stop))
    return g_strdup (_ ("The original size"));
  if (original == 0 || size >= original)
    return g_strdup (_ ("Not smaller"));
  percent = (int) floor (100.0 * (original - size) / original);
  if (percent < 1)
    return g_strdup (_ ("Hardly smaller"));
  /* Translators: the size of a file against the one that it was made from. */
  return g_strdup_printf (_ ("%d%% smaller"), percent);
}

char *
fw_words_speed (FwStopItem *stop)
{
  const double speedup = fw_stop_item_get_speedup (stop);

  if (fw_stop_item_is_original (stop))
    return g_strdup (_ ("The original speed"));
  if (!(speedup > 0))
    return g_strdup (_ ("Not measured"));
  if (fabs (speedup - 1) < ABOUT)
    return g_strdup (_ ("As fast as the original"));
  if (speedup < 1)
    {
      /* Translators: how long an answer takes against the original. */
      return g_strdup_printf (_ ("Slower: takes %.1f times as long"), fmax (1.1, 1 / speedup));
    }
  if (speedup < 1.1)
    return g_strdup (_ ("A little faster"));
  return g_strdup_printf (_ ("%.1f times as fast"), speedup);
}

static char *
milliseconds (double time)
{
  if (time >= 1000)
    return g_strdup_printf (_ ("%.1f s"), time / 1000);
  if (time >= 10)
    return g_strdup_printf (_ ("%.0f ms"), time);
  return g_strdup_printf (time < 1 ? _ ("%.2f ms") : _ ("%.1f ms"), time);
}

char *
fw_words_latency (FwStopItem *stop)
{
  const double now = fw_stop_item_get_latency (stop);
  const double before = fw_stop_item_get_original_latency (stop);
  g_autofree char *now_text = NULL;
  g_autofree char *before_text = NULL;

  if (!(now > 0) || !(before > 0))
    return NULL;
  now_text = milliseconds (now);
  before_text = milliseconds (before);
  /* Translators: how long one answer takes now, and took before. */
  return g_strdup_printf (_ ("%s instead of %s for one answer"), now_text, before_text);
}

char *
fw_words_percent (double fraction, guint total)
{
  const int digits = total > 1000 ? 2 : 1;
  const double step = digits == 2 ? 10000 : 1000;
  double rounded;

  if (isnan (fraction))
    return g_strdup ("–");
  /* Rounded down, so that “100%” means all. */
  rounded = floor (fraction * step + 1e-9) / step * 100;
  if (rounded == floor (rounded))
    return g_strdup_printf ("%.0f%%", rounded);
  return g_strdup_printf ("%.*f%%", digits, rounded);
}

char *
fw_words_same (FwStopItem *stop)
{
  const guint total = fw_stop_item_get_total (stop);
  const guint same = fw_stop_item_get_same (stop);

  if (fw_stop_item_is_original (stop))
    return g_strdup (_ ("The original’s own answers"));
  if (total == 0)
    return g_strdup (_ ("Not measured"));
  if (same == total)
    return g_strdup_printf (
        ngettext ("The only answer stayed the same", "All %u answers stayed the same", total),
        total);
  return g_strdup_printf (
      ngettext ("%u of %u answer stayed the same", "%u of %u answers stayed the same", total), same,
      total);
}

char *
fw_words_accuracy (FwStopItem *stop)
{
  const double now = fw_stop_item_get_accuracy (stop);
  const double before = fw_stop_item_get_original_accuracy (stop);
  const guint total = fw_stop_item_get_total (stop);
  g_autofree char *now_text = NULL;
  g_autofree char *before_text = NULL;

  if (isnan (now) || isnan (before))
    return NULL;
  now_text = fw_words_percent (now, total);
  before_text = fw_words_percent (before, total);
  if (g_str_equal (now_text, before_text))
    return g_strdup_printf (_ ("%s are right, as before"), now_text);
  return g_strdup_printf (_ ("%s are right, %s before"), now_text, before_text);
}

char *
fw_words_stop (FwStopItem *stop)
{
  g_autofree char *size = fw_words_size (fw_stop_item_get_size (stop));
  g_autofree char *saved = fw_words_saved (stop);
  g_autofree char *speed = fw_words_speed (stop);
  g_autofree char *same = fw_words_same (stop);

  if (fw_stop_item_is_original (stop))
    return g_strdup_printf (_ ("The original, %s"), size);
  if (fw_stop_item_get_recommended (stop))
    return g_strdup_printf (_ ("Recommended: %s, %s. %s. %s."), size, saved, speed, same);
  return g_strdup_printf (_ ("%s, %s. %s. %s."), size, saved, speed, same);
}

char *
fw_words_time_left (double seconds)
{
  const guint minutes = (guint) ceil (seconds / 60);

  if (!(seconds >= 0))
    return NULL;
  if (seconds < 5)
    return g_strdup (_ ("a few seconds left"));
  if (seconds < 50)
    {
      const guint tens = (guint) (ceil (seconds / 10) * 10);

      return g_strdup_printf (_ ("about %u seconds left"), tens);
    }
  if (minutes < 60)
    return g_strdup_printf (ngettext ("about %u minute left", "about %u minutes left", minutes),
                            minutes);
  return g_strdup_printf (
      ngettext ("about %u hour left", "about %u hours left", (minutes + 30) / 60),
      (minutes + 30) / 60);
}
