/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-file.h"
#include "history-fixture.h"

static void
run_sql (Fixture *fixture, const char *sql)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  sqlite3 *database = NULL;

  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  if (sqlite3_exec (database, sql, NULL, NULL, NULL) != SQLITE_OK)
    g_error ("%s: %s", sql, sqlite3_errmsg (database));
  sqlite3_close (database);
}

static void
close_history (Fixture *fixture)
{
  g_clear_pointer (&fixture->history, fw_history_unref);
}

/* Opens what was damaged: it must say so, and know the versions again. */
static void
open_damaged (Fixture *fixture, gboolean is_set_aside)
{
  g_autofree char *aside = fixture_home_path (fixture, "history.db.damaged-1");
  g_autoptr (GError) error = NULL;
  const GError *warning;

  fixture->history = fw_history_open (fixture->home, &error);
  g_assert_no_error (error);
  warning = fw_history_get_warning (fixture->history);
  g_assert_error (warning, FW_ERROR, FW_ERROR_HISTORY_DAMAGED);
  g_assert_cmpint (is_set_aside, ==, g_file_test (aside, G_FILE_TEST_EXISTS));
  if (is_set_aside)
    g_assert_nonnull (strstr (warning->message, "history.db.damaged-"));
}

static FwHistoryVersion *
find_number (FwHistory *history, const char *original_text, guint number)
{
  g_autofree char *sha256 = hash_of (original_text);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwHistoryOriginal) original = fw_history_find_original (history, sha256, &error);
  g_autoptr (GPtrArray) versions = NULL;

  g_assert_no_error (error);
  g_assert_nonnull (original);
  versions = fw_history_list_versions (history, original->id, TRUE, &error);
  for (guint i = 0; i < versions->len; i++)
    if (((FwHistoryVersion *) versions->pdata[i])->number == number)
      return fw_history_get_version (history, ((FwHistoryVersion *) versions->pdata[i])->id, NULL);
  return NULL;
}

/* Two originals, three versions and a copy, with all that can be set. */
static void
fill (Fixture *fixture)
{
  gint64 first = do_run (fixture, "large", "small");
  gint64 second = do_run (fixture, "large", "smaller");
  g_autofree char *saved = fixture_path (fixture, "saved.onnx");
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (GError) error = NULL;

  version = fw_history_get_version (fixture->history, do_run (fixture, "heavy", "light"), &error);
  g_assert_true (fw_history_keep_copy (fixture->history, version->original, NULL, &error));
  g_assert_true (fw_history_set_note (fixture->history, first, "a note", &error));
  g_assert_true (fw_history_save (fixture->history, second, saved, NULL, &error));
  g_assert_true (fw_history_use (fixture->history, second, NULL, &error));
  g_assert_no_error (error);
}

static void
assert_filled (Fixture *fixture)
{
  g_autoptr (FwHistoryVersion) first = find_number (fixture->history, "large", 1);
  g_autoptr (FwHistoryVersion) second = find_number (fixture->history, "large", 2);
  g_autoptr (FwHistoryVersion) other = find_number (fixture->history, "heavy", 1);
  g_autoptr (FwHistoryOriginal) original = NULL;
  g_autoptr (FwHistoryOriginal) copied = NULL;
  g_autoptr (FwHistoryRun) run = NULL;
  g_autofree char *saved = fixture_path (fixture, "saved.onnx");
  g_autoptr (GError) error = NULL;

  assert_sound (fixture->history);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 5);
  g_assert_cmpstr (first->note, ==, "a note");
  g_assert_cmpstr (first->recipe, ==, "{\"for\":\"small\"}");
  g_assert_cmpfloat (first->figures.speedup, ==, 2.5);
  g_assert_true (first->is_recommended);
  g_assert_false (first->is_in_use);
  g_assert_true (second->is_in_use);
  original = fw_history_get_original (fixture->history, second->original, &error);
  g_assert_cmpstr (original->saved_path, ==, saved);
  g_assert_cmpstr (original->name, ==, "large.onnx");
  g_assert_cmpuint (original->n_versions, ==, 2);
  copied = fw_history_get_original (fixture->history, other->original, &error);
  g_assert_nonnull (copied->copy);
  run = fw_history_get_run (fixture->history, first->run, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (run->runtime, ==, "1.30.0");
  g_assert_cmpstr (json_object_get_string_member (run->job, "command"), ==, "shrink");
}

/* What was found again works like before, and stays. */
static void
assert_works (Fixture *fixture)
{
  g_autoptr (FwHistoryVersion) next = NULL;
  g_autoptr (GError) error = NULL;

  assert_filled (fixture);
  next = fw_history_get_version (fixture->history, do_run (fixture, "large", "tiny"), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (next->number, ==, 3);
  fixture_reopen (fixture);
  g_assert_null (fw_history_get_warning (fixture->history));
  assert_sound (fixture->history);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 6);
}

static void
test_garbage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  g_autofree char *garbage = g_malloc (100000);

  fill (fixture);
  close_history (fixture);
  for (guint i = 0; i < 100000; i++)
    garbage[i] = (char) g_test_rand_int ();
  g_assert_true (g_file_set_contents (path, garbage, 100000, NULL));
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

static void
test_short_garbage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");

  fill (fixture);
  close_history (fixture);
  g_assert_true (g_file_set_contents (path, "oh", 2, NULL));
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

static void
test_truncated (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  GStatBuf status;

  fill (fixture);
  close_history (fixture);
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (truncate (path, status.st_size / 2 + 7), ==, 0);
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

/* A large database is not looked through at every opening, but once it has failed. */
static void
test_large (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  g_autofree char *zeros = g_malloc0 (4096);
  g_autoptr (GPtrArray) stops = NULL;
  g_autoptr (GError) error = NULL;
  sqlite3 *database = NULL;
  sqlite3_stmt *statement = NULL;
  gint64 page;
  int fd;

  fill (fixture);
  close_history (fixture);
  run_sql (fixture, "UPDATE versions SET thumbnail = zeroblob (36 * 1024 * 1024) WHERE id = 1");
  fixture_reopen (fixture);
  close_history (fixture);
  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  sqlite3_prepare_v2 (database, "SELECT rootpage FROM sqlite_schema WHERE name = 'stops'", -1,
                      &statement, NULL);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  page = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (database);
  fd = open (path, O_WRONLY);
  g_assert_cmpint (pwrite (fd, zeros, 4096, (page - 1) * 4096), ==, 4096);
  close (fd);

  fixture_reopen (fixture);
  g_assert_null (fw_history_get_warning (fixture->history));
  stops = fw_history_list_stops (fixture->history, 1, &error);
  g_assert_null (stops);
  g_assert_error (error, FW_ERROR, FW_ERROR_HISTORY_DAMAGED);
  close_history (fixture);
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

static void
test_no_bytes (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");

  fill (fixture);
  close_history (fixture);
  g_assert_cmpint (truncate (path, 0), ==, 0);
  open_damaged (fixture, FALSE);
  assert_works (fixture);
}

static void
test_no_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");

  fill (fixture);
  close_history (fixture);
  g_assert_cmpint (g_unlink (path), ==, 0);
  open_damaged (fixture, FALSE);
  assert_works (fixture);
}

/* A number in the header that SQLite has no code for. */
static void
test_strange_format (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  g_autofree char *bytes = NULL;
  gsize size;

  fill (fixture);
  close_history (fixture);
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  bytes[47] = 77;
  g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

/* A few bytes anywhere: either nothing is lost, or it is said. */
static void
test_random_bytes (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");

  fill (fixture);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *bytes = NULL;
      gsize size;

      close_history (fixture);
      g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
      for (guint k = 0; k < 200; k++)
        bytes[g_test_rand_int_range (0, (int) size)] = (char) g_test_rand_int ();
      g_assert_true (g_file_set_contents (path, bytes, (gssize) size, NULL));
      fixture->history = fw_history_open (fixture->home, &error);
      if (error != NULL)
        {
          /* The version is among the bytes; then the file is somebody else's to judge. */
          g_assert_error (error, FW_ERROR, FW_ERROR_HISTORY_NEWER);
          g_assert_cmpint (g_unlink (path), ==, 0);
          g_clear_error (&error);
          fixture->history = fw_history_open (fixture->home, &error);
          g_assert_no_error (error);
        }
      g_assert_cmpuint (count_versions (fixture->history, 0), <=, 5);
    }
}

static void
test_other_database (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");

  fill (fixture);
  close_history (fixture);
  g_assert_cmpint (g_unlink (path), ==, 0);
  run_sql (fixture, "CREATE TABLE recipes (cake TEXT)");
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

static void
test_missing_table (Fixture *fixture, gconstpointer data)
{
  fill (fixture);
  close_history (fixture);
  run_sql (fixture, "ALTER TABLE stops RENAME TO stopped");
  open_damaged (fixture, TRUE);
  assert_works (fixture);
}

static void
test_set_aside_twice (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  g_autofree char *second = fixture_home_path (fixture, "history.db.damaged-2");

  fill (fixture);
  for (guint i = 0; i < 2; i++)
    {
      close_history (fixture);
      g_assert_true (g_file_set_contents (path, "not a database, surely", -1, NULL));
      open_damaged (fixture, TRUE);
    }
  g_assert_true (g_file_test (second, G_FILE_TEST_EXISTS));
  assert_works (fixture);
}

/* Descriptions may be damaged too. No model is thrown away for it. */
static void
test_bad_descriptions (Fixture *fixture, gconstpointer data)
{
  static const char *const bad[] = {
    "",
    "{",
    "[]",
    "{}",
    "{\"featherweight-history\":2,\"entries\":[]}",
    "{\"featherweight-history\":1,\"entries\":[1,null,{},{\"original\":[]}]}",
    "{\"featherweight-history\":1,\"entries\":[{\"original\":{\"sha256\":\"x\",\"path\":\"/\","
    "\"name\":\"\",\"size\":-1}}]}",
    "{\"featherweight-history\":1,\"entries\":[{\"original\":{\"sha256\":"
    "\"2cd4c06b11f3d5f64ad33b7cb2ae9ff6ddc2bdd9d35ad7dcae2b7ff2ab8cb6d1\",\"path\":\"/x\","
    "\"name\":\"x\",\"size\":1e300},\"run\":{},\"stop\":{\"sha256\":7},\"version\":{}}]}",
  };
  g_autofree char *description = fixture_model_path (fixture, "small", ".json");
  g_autofree char *model = fixture_model_path (fixture, "small", ".onnx");
  g_autofree char *unknown = fixture_model_path (fixture, "small", ".onnx.unknown");
  g_autofree char *database = fixture_home_path (fixture, "history.db");

  do_run (fixture, "large", "small");
  do_run (fixture, "large", "smaller");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      close_history (fixture);
      g_unlink (database);
      g_assert_true (g_file_set_contents (description, bad[i], -1, NULL));
      open_damaged (fixture, FALSE);
      g_assert_cmpuint (count_versions (fixture->history, 0), ==, 2);
      fixture_assert_text (unknown, "small");
      assert_sound (fixture->history);
      fixture_reopen (fixture);
      fixture_assert_text (unknown, "small");
      g_assert_cmpint (g_rename (unknown, model), ==, 0);
    }
}

static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  g_autofree char *orphan = fixture_model_path (fixture, "orphan", ".onnx");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;

  fill (fixture);
  close_history (fixture);
  run_sql (fixture, "PRAGMA user_version = 99; DROP TABLE measurements");
  g_assert_true (g_file_set_contents (orphan, "orphan", -1, NULL));
  before = fw_file_sha256 (path, NULL, NULL);
  fixture->history = fw_history_open (fixture->home, &error);
  g_assert_null (fixture->history);
  g_assert_error (error, FW_ERROR, FW_ERROR_HISTORY_NEWER);
  after = fw_file_sha256 (path, NULL, NULL);
  g_assert_cmpstr (before, ==, after);
  fixture_assert_text (orphan, "orphan");
}

static void
test_version_1 (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  g_autofree char *script_path
      = g_test_build_filename (G_TEST_DIST, "unit", "history", "version-1.sql", NULL);
  g_autofree char *script = NULL;
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (GPtrArray) measurements = NULL;
  g_autoptr (GError) error = NULL;

  do_run (fixture, "large", "small");
  close_history (fixture);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (g_file_get_contents (script_path, &script, NULL, NULL));
  run_sql (fixture, script);
  fixture_reopen (fixture);
  g_assert_null (fw_history_get_warning (fixture->history));
  version = find_number (fixture->history, "large", 1);
  g_assert_cmpstr (version->note, ==, "from the first days");
  g_assert_null (version->thumbnail);
  assert_sound (fixture->history);
  measurements = fw_history_list_measurements (fixture->history, version->id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (measurements->len, ==, 0);
  do_run (fixture, "large", "smaller");
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 3);
}

/* What crashes leave behind goes; what others put there stays. */
static void
test_sweep (Fixture *fixture, gconstpointer data)
{
  g_autofree char *orphan = fixture_model_path (fixture, "orphan", ".onnx");
  g_autofree char *description = fixture_model_path (fixture, "orphan", ".json");
  g_autofree char *foreign = fixture_home_path (fixture, "models/README.onnx");
  g_autofree char *staging = fixture_home_path (fixture, "models/.staging-dead01");
  g_autofree char *staged = g_build_filename (staging, "half", NULL);
  gint64 id = do_run (fixture, "large", "small");
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_history_delete (fixture->history, id, &error));
  g_assert_true (g_file_set_contents (orphan, "orphan", -1, NULL));
  g_assert_true (g_file_set_contents (description, "{}", -1, NULL));
  g_assert_true (g_file_set_contents (foreign, "mine", -1, NULL));
  g_assert_cmpint (g_mkdir (staging, 0700), ==, 0);
  g_assert_true (g_file_set_contents (staged, "half", -1, NULL));
  fixture_reopen (fixture);
  g_assert_false (g_file_test (orphan, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (description, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (staging, G_FILE_TEST_EXISTS));
  fixture_assert_text (foreign, "mine");
  assert_sound (fixture->history);

  /* Deleted long ago is gone. */
  close_history (fixture);
  run_sql (fixture, "UPDATE versions SET deleted = 5 WHERE deleted > 0");
  fixture_reopen (fixture);
  g_assert_false (fw_history_undelete (fixture->history, id, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_pointer (&orphan, g_free);
  orphan = fixture_model_path (fixture, "small", ".onnx");
  g_assert_false (g_file_test (orphan, G_FILE_TEST_EXISTS));
}

static void
test_busy (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_home_path (fixture, "history.db");
  gint64 id = do_run (fixture, "large", "small");
  g_autoptr (GError) error = NULL;
  sqlite3 *database = NULL;

  if (!g_test_slow ())
    {
      g_test_skip ("Takes the ten seconds that others are waited for");
      return;
    }
  g_assert_cmpint (sqlite3_open (path, &database), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (database, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_false (fw_history_set_note (fixture->history, id, "x", &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_HISTORY_BUSY);
  sqlite3_close (database);
}

/* Bad surroundings ------------------------------------------------------------------------------
 *
 * File systems that this process alone sees; skipped where the system does not allow such. */

static gboolean
write_text (const char *path, const char *text)
{
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL);
}

static gboolean
enter_namespace (void)
{
  g_autofree char *uids = g_strdup_printf ("%u %u 1", geteuid (), geteuid ());
  g_autofree char *gids = g_strdup_printf ("%u %u 1", getegid (), getegid ());

  if (geteuid () == 0 && unshare (CLONE_NEWNS) == 0)
    return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  if (unshare (CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return FALSE;
  write_text ("/proc/self/setgroups", "deny");
  return write_text ("/proc/self/uid_map", uids) && write_text ("/proc/self/gid_map", gids)
         && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void
assert_read_only (Fixture *fixture, gint64 id)
{
  g_autofree char *path = fixture_path (fixture, "large.onnx");
  g_autofree char *sha256 = hash_of ("large");
  g_autofree char *saved = fixture_path (fixture, "from-read-only.onnx");
  g_autoptr (JsonObject) job = json_object_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_history_is_read_only (fixture->history));
  g_assert_null (fw_history_get_warning (fixture->history));
  assert_sound (fixture->history);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 5);
  g_assert_false (fw_history_set_note (fixture->history, id, "no", &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
  g_clear_error (&error);
  g_assert_cmpint (fw_history_begin_run (fixture->history, path, sha256, 5, job, &error), ==, 0);
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
  g_clear_error (&error);
  g_assert_false (fw_history_use (fixture->history, id, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
  g_clear_error (&error);
  g_assert_false (fw_history_delete (fixture->history, id, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
  g_clear_error (&error);
  g_assert_false (fw_history_save (fixture->history, id, saved, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
  g_assert_false (g_file_test (saved, G_FILE_TEST_EXISTS));
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  g_autofree char *nothing = fixture_path (fixture, "nothing");
  g_autoptr (FwHistory) none = NULL;
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (GError) error = NULL;
  gint64 id;

  fill (fixture);
  version = find_number (fixture->history, "large", 1);
  id = version->id;
  close_history (fixture);
  g_assert_cmpint (g_mkdir (nothing, 0700), ==, 0);
  if (!enter_namespace () || mount (fixture->home, fixture->home, NULL, MS_BIND, NULL) != 0
      || mount (NULL, fixture->home, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0
      || mount (nothing, nothing, NULL, MS_BIND, NULL) != 0
      || mount (NULL, nothing, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
    {
      g_test_skip ("No file systems can be mounted here");
      return;
    }
  fixture->history = fw_history_open (fixture->home, &error);
  g_assert_no_error (error);
  assert_read_only (fixture, id);
  none = fw_history_open (nothing, &error);
  g_assert_null (none);
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
  umount2 (fixture->home, MNT_DETACH);
  umount2 (nothing, MNT_DETACH);
}

/* A window that was killed leaves a log of changes; it must be read even where it can't be put
 * away. */
static void
test_read_only_with_log (Fixture *fixture, gconstpointer data)
{
  g_autofree char *copy = fixture_path (fixture, "copy");
  g_autofree char *command = NULL;
  g_autoptr (FwHistory) history = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  fill (fixture);
  command = g_strdup_printf ("cp -r '%s' '%s'", fixture->home, copy);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  if (!enter_namespace () || mount (copy, copy, NULL, MS_BIND, NULL) != 0
      || mount (NULL, copy, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
    {
      g_test_skip ("No file systems can be mounted here");
      return;
    }
  history = fw_history_open (copy, &error);
  g_assert_no_error (error);
  g_assert_true (fw_history_is_read_only (history));
  g_assert_cmpuint (count_versions (history, 0), ==, 5);
  g_clear_pointer (&history, fw_history_unref);
  umount2 (copy, MNT_DETACH);
}

/* Runs until the disk is full; the number of versions that were kept. */
static guint
fill_disk (Fixture *fixture, FwHistory *history)
{
  for (guint i = 0; i < 10000; i++)
    {
      g_autofree char *text = g_strdup_printf ("small %u %*s", i, 3000, "x");
      const char *const texts[] = { text, NULL };
      g_autofree char *file = fixture_write (fixture, "stop.onnx", text);
      g_autofree char *sha256 = hash_of ("large");
      g_autofree char *path = fixture_path (fixture, "large.onnx");
      g_autoptr (JsonObject) job = json_object_new ();
      g_autoptr (JsonObject) result = make_result ("large", texts);
      g_autoptr (GError) error = NULL;
      gint64 run = fw_history_begin_run (history, path, sha256, 5, job, &error);

      if (run == 0 || !fw_history_finish_run (history, run, result, file, TRUE, NULL, NULL, &error))
        {
          g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
          fixture_assert_text (file, text);
          return i;
        }
    }
  g_assert_not_reached ();
}

static void
test_disk_full (Fixture *fixture, gconstpointer data)
{
  g_autofree char *disk = fixture_path (fixture, "disk");
  g_autoptr (FwHistory) history = NULL;
  g_autoptr (GError) error = NULL;
  guint n;

  g_assert_cmpint (g_mkdir (disk, 0700), ==, 0);
  if (!enter_namespace () || mount ("none", disk, "tmpfs", 0, "size=1m") != 0)
    {
      g_test_skip ("No file systems can be mounted here");
      return;
    }
  history = fw_history_open (disk, &error);
  g_assert_no_error (error);
  n = fill_disk (fixture, history);
  g_assert_cmpuint (n, >, 5);
  assert_sound (history);
  g_assert_cmpuint (count_versions (history, 0), ==, n + 1);
  g_clear_pointer (&history, fw_history_unref);

  history = fw_history_open (disk, &error);
  g_assert_no_error (error);
  assert_sound (history);
  g_assert_cmpuint (count_versions (history, 0), ==, n + 1);
  g_assert_cmpint (mount (NULL, disk, NULL, MS_REMOUNT, "size=2m"), ==, 0);
  g_assert_cmpuint (fill_disk (fixture, history), >, 5);
  assert_sound (history);
  g_clear_pointer (&history, fw_history_unref);
  umount2 (disk, MNT_DETACH);
}

static void
test_no_room_at_all (Fixture *fixture, gconstpointer data)
{
  g_autofree char *disk = fixture_path (fixture, "disk");
  g_autoptr (FwHistory) history = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (disk, 0700), ==, 0);
  if (!enter_namespace () || mount ("none", disk, "tmpfs", 0, "size=8k") != 0)
    {
      g_test_skip ("No file systems can be mounted here");
      return;
    }
  history = fw_history_open (disk, &error);
  g_assert_null (history);
  g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
  umount2 (disk, MNT_DETACH);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/history-damage/garbage", test_garbage);
  ADD ("/history-damage/short-garbage", test_short_garbage);
  ADD ("/history-damage/truncated", test_truncated);
  ADD ("/history-damage/large", test_large);
  ADD ("/history-damage/no-bytes", test_no_bytes);
  ADD ("/history-damage/no-file", test_no_file);
  ADD ("/history-damage/strange-format", test_strange_format);
  ADD ("/history-damage/random-bytes", test_random_bytes);
  ADD ("/history-damage/other-database", test_other_database);
  ADD ("/history-damage/missing-table", test_missing_table);
  ADD ("/history-damage/set-aside-twice", test_set_aside_twice);
  ADD ("/history-damage/bad-descriptions", test_bad_descriptions);
  ADD ("/history-damage/newer", test_newer);
  ADD ("/history-damage/version-1", test_version_1);
  ADD ("/history-damage/sweep", test_sweep);
  ADD ("/history-damage/busy", test_busy);
  /* These change the process's view of the file system, and come last. */
  ADD ("/history-damage/read-only", test_read_only);
  ADD ("/history-damage/read-only-with-log", test_read_only_with_log);
  ADD ("/history-damage/disk-full", test_disk_full);
  ADD ("/history-damage/no-room-at-all", test_no_room_at_all);
  return g_test_run ();
}
