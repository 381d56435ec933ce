/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-progress.h"

typedef struct
{
  guint calls;
  double last;
} Heard;

static void
hear (double fraction, gpointer user_data)
{
  Heard *heard = user_data;

  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <=, 1);
  if (heard->calls > 0)
    g_assert_cmpfloat (fraction, >, heard->last);
  heard->calls++;
  heard->last = fraction;
}

static void
test_rises (void)
{
  Heard heard = { 0 };
  g_autoptr (FwProgress) progress = fw_progress_new (hear, &heard);

  fw_progress_report (progress, 0);
  g_assert_cmpuint (heard.calls, ==, 1);
  fw_progress_report (progress, 0.5);
  fw_progress_report (progress, 0.5);
  fw_progress_report (progress, 0.25);
  g_assert_cmpuint (heard.calls, ==, 2);
  g_assert_cmpfloat (heard.last, ==, 0.5);
  fw_progress_report (progress, 7);
  g_assert_cmpfloat (heard.last, ==, 1);
}

static void
test_bad_fractions (void)
{
  Heard heard = { 0 };
  g_autoptr (FwProgress) progress = fw_progress_new (hear, &heard);

  fw_progress_report (progress, NAN);
  g_assert_cmpuint (heard.calls, ==, 0);
  fw_progress_report (progress, -INFINITY);
  g_assert_cmpfloat (heard.last, ==, 0);
  fw_progress_report (progress, INFINITY);
  g_assert_cmpfloat (heard.last, ==, 1);
}

static void
test_slices (void)
{
  Heard heard = { 0 };
  FwProgress *whole = fw_progress_new (hear, &heard);
  FwProgress *half = fw_progress_slice (whole, 0.5, 1);
  g_autoptr (FwProgress) quarter = fw_progress_slice (half, 0, 0.5);

  /* A slice keeps what it is a part of. */
  fw_progress_unref (whole);
  fw_progress_unref (half);
  fw_progress_report (quarter, 0);
  g_assert_cmpfloat_with_epsilon (heard.last, 0.5, 1e-12);
  fw_progress_report (quarter, 0.5);
  g_assert_cmpfloat_with_epsilon (heard.last, 0.625, 1e-12);
  fw_progress_report (quarter, 1);
  g_assert_cmpfloat_with_epsilon (heard.last, 0.75, 1e-12);
}

static void
test_nobody_listens (void)
{
  g_autoptr (FwProgress) silent = fw_progress_new (NULL, NULL);

  g_assert_null (fw_progress_slice (NULL, 0, 1));
  g_assert_null (fw_progress_ref (NULL));
  fw_progress_unref (NULL);
  fw_progress_report (NULL, 0.5);
  fw_progress_report (silent, 0.5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress/rises", test_rises);
  g_test_add_func ("/progress/bad-fractions", test_bad_fractions);
  g_test_add_func ("/progress/slices", test_slices);
  g_test_add_func ("/progress/nobody-listens", test_nobody_listens);
  return g_test_run ();
}
