/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-when.h"

#include <glib/gi18n-lib.h>

/* Days from midnight to midnight, wherever clocks were changed. */
static int
count_days (GDateTime *from, GDateTime *to)
{
  GDate first, last;

  g_date_clear (&first, 1);
  g_date_clear (&last, 1);
  g_date_set_dmy (&first, (GDateDay) g_date_time_get_day_of_month (from),
                  (GDateMonth) g_date_time_get_month (from),
                  (GDateYear) g_date_time_get_year (from));
  g_date_set_dmy (&last, (GDateDay) g_date_time_get_day_of_month (to),
                  (GDateMonth) g_date_time_get_month (to), (GDateYear) g_date_time_get_year (to));
  return g_date_days_between (&first, &last);
}

char *
fw_when_describe (gint64 when, gint64 now)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (when);
  g_autoptr (GDateTime) today = g_date_time_new_from_unix_local (now);
  int days;

  if (when <= 0 || then == NULL || today == NULL)
    return g_strdup (_ ("At an unknown time"));
  days = count_days (then, today);
  if (days == 0)
    /* Translators: a time of day, as g_date_time_format() has it. */
    return g_date_time_format (then, _ ("Today, %H:%M"));
  if (days == 1)
    return g_date_time_format (then, _ ("Yesterday, %H:%M"));
  if (days > 1 && days < 7)
    /* Translators: the name of a day and a time of day. */
    return g_date_time_format (then, _ ("%A, %H:%M"));
  /* Translators: day, name of the month, year. */
  return g_date_time_format (then, _ ("%-e %B %Y"));
}
