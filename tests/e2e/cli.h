/* SPDX-License-Identifier: GPL-3.0-or-later */

/* cli.h: the program under test, run as a person or another program would run it.
 *
 * FEATHERWEIGHT_CLI names the program. Every test program has a folder of its own, in which its
 * cache and its history lie, so that what jobs leave behind can be seen.
 */

#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  int status; /* exit status, or -1 where a signal ended it */
  char *out;
  char *err;
} CliRun;

/* To be called after g_test_init(). */
void cli_init (void);
/* g_test_run(), and the folder removed. */
int cli_finish (void);

/* The test's folder, and a path in it. */
const char *cli_folder (void);
char *cli_path (const char *name);
/* The sample that the project ships. */
char *cli_sample (const char *name);
/* A new folder with the first @n pictures of the sample, without labels. */
char *cli_some_pictures (const char *name, guint n);

CliRun *cli_run (const char *argument, ...) G_GNUC_NULL_TERMINATED;
CliRun *cli_run_array (const char *const *arguments, const char *input);
void cli_run_free (CliRun *run);
/* Starts it and does not wait; stdout goes to @out_path. With @input a pipe to its stdin. */
GPid cli_start (const char *const *arguments, const char *out_path, int *input);
/* Waits; the status as in CliRun. */
int cli_wait (GPid pid);

/* The last line of @out, having checked that all lines are events and that only the last is a
 * result or an error. */
JsonObject *cli_last_event (const char *out);
/* Fails unless the run ended with an error event of @code and exit status 1. */
void cli_assert_error (CliRun *run, const char *code);
/* The result event of a run that has to have one. */
JsonObject *cli_assert_result (CliRun *run);
/* The events of this name. */
GPtrArray *cli_events (const char *out, const char *name);
gboolean cli_has_warning (const char *out, const char *code);

/* The job folders that are there now. */
guint cli_count_job_folders (void);
/* The confined child of a running program, or 0. */
GPid cli_find_child (GPid pid);
/* TRUE once no process runs under @pid (one that nobody waits for counts as gone). */
gboolean cli_is_gone (GPid pid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliRun, cli_run_free)

G_END_DECLS
