/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-when.h"

/* 2026-03-10 12:00 UTC, a Tuesday; the tests run in UTC. */
#define NOON G_GINT64_CONSTANT (1773144000)
#define HOUR 3600
#define DAY (24 * HOUR)

static void
check (gint64 when, const char *expected)
{
  g_autofree char *text = fw_when_describe (when, NOON);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_near (void)
{
  check (NOON, "Today, 12:00");
  check (NOON - 12 * HOUR, "Today, 00:00");
  /* A minute over midnight is another day, whatever the hours between. */
  check (NOON - 12 * HOUR - 60, "Yesterday, 23:59");
  check (NOON - DAY, "Yesterday, 12:00");
  check (NOON - 2 * DAY, "Sunday, 12:00");
  check (NOON - 6 * DAY, "Wednesday, 12:00");
}

static void
test_far (void)
{
  check (NOON - 7 * DAY, "3 March 2026");
  check (NOON - 365 * DAY, "10 March 2025");
}

static void
test_odd (void)
{
  check (0, "At an unknown time");
  check (-5, "At an unknown time");
  check (G_MAXINT64, "At an unknown time");
  /* A clock that was wrong: no "in three days". */
  check (NOON + 3 * DAY, "13 March 2026");
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/when/near", test_near);
  g_test_add_func ("/when/far", test_far);
  g_test_add_func ("/when/odd", test_odd);

  return g_test_run ();
}
