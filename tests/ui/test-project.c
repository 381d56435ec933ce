/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The project and its worker: a shell script stands in for the worker, and says what each test
 * wants to hear. */

#include "config.h"

#include <glib/gstdio.h>

#include "fw-file.h"
#include "fw-project.h"
#include "fw-surroundings.h"

#define TIMEOUT_S 20

#define INSPECTED                                                                                  \
  "*inspect*) echo '{\"event\":\"result\",\"description\":\"Tells.\",\"size_bytes\":1000,"         \
  "\"can_shrink\":true}' ;;\n"
#define SAMPLES                                                                                    \
  "*samples\\\"*) echo '{\"event\":\"sample\",\"name\":\"a.png\",\"preview\":null}'\n"             \
  "  echo '{\"event\":\"result\",\"samples\":4,\"has_labels\":false}' ;;\n"

typedef struct
{
  char *folder;
  char *script;
  FwProject *project;
} Fixture;

static void
set_worker (Fixture *fixture, const char *cases)
{
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\nread -r job\ncase $job in\n%sesac\n", cases);

  g_assert_true (g_file_set_contents (fixture->script, text, -1, NULL));
  g_assert_cmpint (g_chmod (fixture->script, 0700), ==, 0);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("featherweight-XXXXXX", NULL);
  fixture->script = g_build_filename (fixture->folder, "worker", NULL);
  g_setenv ("FEATHERWEIGHT_CLI", fixture->script, TRUE);
  fixture->project = fw_project_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_object_unref (fixture->project);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_unlink (fixture->script);
  g_rmdir (fixture->folder);
  g_free (fixture->script);
  g_free (fixture->folder);
  fw_surroundings_clean ();
}

static gboolean
on_timeout (gpointer user_data)
{
  g_error ("Nothing happened for %d seconds", TIMEOUT_S);
  return G_SOURCE_REMOVE;
}

static void
wait_for_end (FwProject *project)
{
  const guint timeout = g_timeout_add_seconds (TIMEOUT_S, on_timeout, NULL);

  while (fw_project_get_busy (project))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timeout);
}

static void
open_all (Fixture *fixture)
{
  const char *samples[] = { "/nowhere", NULL };

  fw_project_set_samples (fixture->project, samples);
  fw_project_open_model (fixture->project, "/nowhere/model.onnx");
  while (fw_project_get_busy (fixture->project))
    wait_for_end (fixture->project);
}

static double
get_position (FwProject *project, guint index)
{
  g_autoptr (FwStopItem) stop = g_list_model_get_item (fw_project_get_stops (project), index);

  return fw_stop_item_get_position (stop);
}

static void
test_whole_job (Fixture *fixture, gconstpointer data)
{
  FwProject *project = fixture->project;

  set_worker (fixture, INSPECTED
              "*shrink*) echo '{\"event\":\"phase\",\"phase\":\"measure\",\"overall\":0.5,"
              "\"eta_s\":null}'\n"
              "echo 'no event at all'\n"
              "echo '{\"event\":\"stop\",\"position\":60,\"size_bytes\":600,"
              "\"original_size_bytes\":1000,\"recipe\":{}}'\n"
              "echo '{\"event\":\"stop\",\"position\":20,\"size_bytes\":300,"
              "\"original_size_bytes\":1000,\"recipe\":{}}'\n"
              "echo '{\"event\":\"result\",\"position\":20,\"recommended\":true}' ;;\n" SAMPLES);
  open_all (fixture);
  g_assert_cmpint (fw_project_get_state (project), ==, FW_PROJECT_READY);
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_samples (project)), ==, 1);
  g_assert_cmpstr (fw_project_get_title (project), ==, "model.onnx");

  g_test_expect_message ("featherweight", G_LOG_LEVEL_WARNING, "*no event*");
  fw_project_shrink (project);
  wait_for_end (project);
  g_test_assert_expected_messages ();
  g_assert_cmpint (fw_project_get_state (project), ==, FW_PROJECT_DONE);
  g_assert_null (fw_project_get_problem (project));
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 3);
  g_assert_cmpfloat (get_position (project, 0), ==, 20);
  g_assert_cmpfloat (get_position (project, 1), ==, 60);
  g_assert_cmpfloat (get_position (project, 2), ==, 100);
  g_assert_true (fw_project_get_selected (project) == fw_project_get_recommended (project));
  g_assert_cmpuint (fw_stop_item_get_size (fw_project_get_selected (project)), ==, 300);

  fw_project_select_position (project, 79);
  g_assert_cmpuint (fw_stop_item_get_size (fw_project_get_selected (project)), ==, 600);
  fw_project_select_position (project, 81);
  g_assert_true (fw_stop_item_is_original (fw_project_get_selected (project)));
}

static void
test_death (Fixture *fixture, gconstpointer data)
{
  set_worker (fixture, "*inspect*) kill -9 $$ ;;\n");
  open_all (fixture);
  g_assert_cmpint (fw_project_get_state (fixture->project), ==, FW_PROJECT_EMPTY);
  g_assert_nonnull (fw_project_get_problem (fixture->project));
  g_assert_cmpstr (fw_project_get_problem (fixture->project)->code, ==, "worker-died");
  g_assert_nonnull (fw_project_get_problem (fixture->project)->hint);
}

static void
test_error (Fixture *fixture, gconstpointer data)
{
  set_worker (fixture, "*inspect*) echo '{\"event\":\"error\",\"code\":\"damaged-model\","
                       "\"message\":\"It is cut off.\",\"hint\":\"Copy it.\"}' ; exit 1 ;;\n");
  open_all (fixture);
  g_assert_cmpstr (fw_project_get_problem (fixture->project)->code, ==, "damaged-model");
  g_assert_cmpstr (fw_project_get_problem (fixture->project)->message, ==, "It is cut off.");
  g_assert_cmpstr (fw_project_get_problem (fixture->project)->hint, ==, "Copy it.");
}

static void
on_stop_added (GListModel *stops, guint position, guint removed, guint added, gpointer user_data)
{
  if (g_list_model_get_n_items (stops) == 2)
    fw_project_cancel (user_data);
}

/* Ending a job keeps what was measured, and going on measures it anew. */
static void
test_continue (Fixture *fixture, gconstpointer data)
{
  FwProject *project = fixture->project;
  const gint64 start = g_get_monotonic_time ();
  gulong handler;

  set_worker (fixture, INSPECTED "*shrink*) echo '{\"event\":\"stop\",\"position\":33,"
                                 "\"size_bytes\":300,\"original_size_bytes\":1000}'\n"
                                 "read -r cancel; exit 130 ;;\n" SAMPLES);
  open_all (fixture);
  handler = g_signal_connect (fw_project_get_stops (project), "items-changed",
                              G_CALLBACK (on_stop_added), project);
  fw_project_shrink (project);
  wait_for_end (project);
  g_signal_handler_disconnect (fw_project_get_stops (project), handler);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
  g_assert_cmpint (fw_project_get_state (project), ==, FW_PROJECT_STOPPED);
  g_assert_null (fw_project_get_problem (project));
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 2);

  set_worker (fixture, "*shrink*) echo '{\"event\":\"stop\",\"position\":35,\"size_bytes\":350,"
                       "\"original_size_bytes\":1000}'\n"
                       "echo '{\"event\":\"result\",\"position\":35,\"recommended\":true}' ;;\n");
  fw_project_shrink (project);
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 2);
  wait_for_end (project);
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 2);
  g_assert_cmpfloat (get_position (project, 0), ==, 35);
}

/* What came before the path was known gives way to what comes after. */
static void
test_provisional (Fixture *fixture, gconstpointer data)
{
  FwProject *project = fixture->project;

  set_worker (fixture,
              INSPECTED "*shrink*) echo '{\"event\":\"stop\",\"position\":50,\"size_bytes\":500,"
                        "\"original_size_bytes\":1000,\"provisional\":true,"
                        "\"same\":{\"same\":9,\"total\":9,\"fraction\":1}}'\n"
                        "echo '{\"event\":\"stop\",\"position\":40,\"size_bytes\":500,"
                        "\"original_size_bytes\":1000,\"provisional\":true}'\n"
                        "read -r cancel; exit 130 ;;\n" SAMPLES);
  open_all (fixture);
  fw_project_shrink (project);
  while (g_list_model_get_n_items (fw_project_get_stops (project)) < 2
         || get_position (project, 0) > 40)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 2);
  fw_project_select_position (project, 40);
  g_assert_true (fw_stop_item_is_provisional (fw_project_get_selected (project)));
  fw_project_cancel (project);
  /* Not much, but it can be used. */
  g_assert_cmpint (fw_project_get_state (project), ==, FW_PROJECT_STOPPED);

  set_worker (fixture, "*shrink*) echo '{\"event\":\"stop\",\"position\":35,\"size_bytes\":350,"
                       "\"original_size_bytes\":1000}'\n"
                       "echo '{\"event\":\"result\",\"position\":35,\"recommended\":true}' ;;\n");
  fw_project_shrink (project);
  wait_for_end (project);
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 2);
  g_assert_cmpfloat (get_position (project, 0), ==, 35);
  g_assert_true (fw_project_get_selected (project) == fw_project_get_recommended (project));
}

/* The worker is told, and what was measured without is measured anew. */
static void
test_extra_care (Fixture *fixture, gconstpointer data)
{
  FwProject *project = fixture->project;

  set_worker (fixture, INSPECTED
              "*shrink*extra*) echo '{\"event\":\"stop\",\"position\":10,\"size_bytes\":100,"
              "\"original_size_bytes\":1000}'\n"
              "echo '{\"event\":\"result\",\"position\":10,\"recommended\":true}' ;;\n"
              "*shrink*) echo '{\"event\":\"stop\",\"position\":20,\"size_bytes\":200,"
              "\"original_size_bytes\":1000}'\n"
              "echo '{\"event\":\"result\",\"position\":20,\"recommended\":true}' ;;\n" SAMPLES);
  open_all (fixture);
  fw_project_shrink (project);
  wait_for_end (project);
  g_assert_cmpfloat (get_position (project, 0), ==, 20);
  fw_project_set_extra_care (project, TRUE);
  g_assert_true (fw_project_get_extra_care (project));
  g_assert_true (fw_project_get_busy (project));
  wait_for_end (project);
  g_assert_cmpuint (g_list_model_get_n_items (fw_project_get_stops (project)), ==, 2);
  g_assert_cmpfloat (get_position (project, 0), ==, 10);
}

static void
test_nothing_to_start (Fixture *fixture, gconstpointer data)
{
  g_setenv ("FEATHERWEIGHT_CLI", "/nowhere/worker", TRUE);
  open_all (fixture);
  g_assert_nonnull (fw_project_get_problem (fixture->project));
}

int
main (int argc, char **argv)
{
  g_autofree char *cache = g_dir_make_tmp ("featherweight-XXXXXX", NULL);
  int status;

  /* Before GLib looks where the user's own is. */
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/project/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("whole-job", test_whole_job);
  ADD ("death", test_death);
  ADD ("error", test_error);
  ADD ("provisional", test_provisional);
  ADD ("extra-care", test_extra_care);
  ADD ("continue", test_continue);
  ADD ("nothing-to-start", test_nothing_to_start);
#undef ADD
  status = g_test_run ();
  fw_file_remove_tree (cache);
  return status;
}
