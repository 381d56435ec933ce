/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-json.h"

/* Room that a job needs, in sizes of the original: the versions in the making, and the one kept. */
#define ROOM_FOR_ONE 2
#define ROOM_FOR_ALL 6

static gboolean
is_there (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0;
}

static gboolean
exists_error (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);

  g_set_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS, _ ("“%s” exists already."), name);
  return FALSE;
}

/* Only a trial tells: modes and flags say little to root, on network disks and under /proc. */
static gboolean
check_writable (const char *folder, GError **error)
{
  g_autofree char *trial = g_build_filename (folder, ".featherweight-XXXXXX", NULL);
  struct stat status;
  int fd;

  if (stat (folder, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, folder);
      return FALSE;
    }
  fd = S_ISDIR (status.st_mode) ? g_mkstemp_full (trial, O_WRONLY | O_CLOEXEC, 0600) : -1;
  if (fd >= 0)
    {
      close (fd);
      unlink (trial);
      return TRUE;
    }
  if (S_ISDIR (status.st_mode) && (errno == ENOSPC || errno == EDQUOT))
    fw_error_set_from_errno (error, errno, TRUE, folder);
  else
    fw_error_set_from_errno (error, EACCES, TRUE, folder);
  return FALSE;
}

static gboolean
check_room (const char *folder, guint64 n_bytes, GError **error)
{
  g_autofree char *need = NULL;
  g_autofree char *have = NULL;
  g_autofree char *name = NULL;
  struct statvfs status;
  guint64 available;

  if (statvfs (folder, &status) != 0)
    return TRUE;
  available = (guint64) status.f_bavail * status.f_frsize;
  if (available >= n_bytes)
    return TRUE;

  need = g_format_size (n_bytes);
  have = g_format_size (available);
  name = g_filename_display_name (folder);
  g_set_error (
      error, FW_ERROR, FW_ERROR_DISK_FULL,
      _ ("There is too little room on the disk of “%s”: %s are free, about %s are needed."), name,
      have, need);
  return FALSE;
}

/* A folder to be made or filled: not there yet, or empty. */
static gboolean
check_new_folder (const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);
  g_autoptr (GDir) dir = NULL;

  if (!is_there (path))
    return check_writable (parent, error);
  dir = g_dir_open (path, 0, NULL);
  if (dir == NULL || g_dir_read_name (dir) != NULL)
    return exists_error (path, error);
  return check_writable (path, error);
}

static guint64
model_size (const char *path)
{
  struct stat status;

  return stat (path, &status) == 0 && S_ISREG (status.st_mode) ? (guint64) status.st_size : 0;
}

/* The folder itself, or where it will be made. */
static char *
existing_folder (const char *path)
{
  return is_there (path) ? g_strdup (path) : g_path_get_dirname (path);
}

gboolean
fw_delivery_check (const FwJob *job, FwJobFolder *folder, GError **error)
{
  guint64 size = model_size (job->model);
  gboolean all;

  if (job->output != NULL)
    {
      g_autofree char *parent = g_path_get_dirname (job->output);

      if (is_there (job->output))
        return exists_error (job->output, error);
      if (!check_writable (parent, error) || !check_room (parent, size * ROOM_FOR_ONE, error))
        return FALSE;
    }
  if (job->out_dir != NULL)
    {
      g_autofree char *parent = existing_folder (job->out_dir);

      if (!check_new_folder (job->out_dir, error)
          || !check_room (parent, size * ROOM_FOR_ALL, error))
        return FALSE;
    }
  if (job->save_inputs != NULL && !check_new_folder (job->save_inputs, error))
    return FALSE;
  if (job->previews != NULL && !check_new_folder (job->previews, error))
    return FALSE;
  if (job->command == FW_COMMAND_INSPECT)
    return TRUE;
  all = (job->command == FW_COMMAND_SHRINK && job->uniform == NULL)
        || job->command == FW_COMMAND_PATH
        || (job->command == FW_COMMAND_EXPORT && job->target != FW_TARGET_FILE);
  return check_room (fw_job_folder_get_path (folder), size * (all ? ROOM_FOR_ALL : ROOM_FOR_ONE),
                     error);
}

/* The file that a member names, if it is one of the job's own. Its size and hash are ours to say.
 */
static gboolean
check_file (FwJobFolder *folder,
            JsonObject *object,
            const char *path,
            GCancellable *cancellable,
            GError **error)
{
  g_autofree char *sha256 = NULL;
  struct stat status;

  if (!fw_job_folder_holds (folder, path) || stat (path, &status) != 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The smaller model was not written."));
      return FALSE;
    }
  sha256 = fw_file_sha256 (path, cancellable, error);
  if (sha256 == NULL)
    return FALSE;
  if (fw_json_get_number (object, "size_bytes", -1) < status.st_size)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL,
                   _ ("The smaller model has another size than it should."));
      return FALSE;
    }
  json_object_set_string_member (object, "sha256", sha256);
  return TRUE;
}

static void
set_path_member (JsonObject *object, const char *name, const char *path)
{
  g_autofree char *text = path != NULL ? fw_json_from_path (path) : NULL;

  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

/* Makes the folder unless it is there; *@made tells. */
static gboolean
make_folder (const char *path, gboolean *made, GError **error)
{
  *made = g_mkdir (path, 0777) == 0;
  if (!*made && errno != EEXIST)
    {
      fw_error_set_from_errno (error, errno, TRUE, path);
      return FALSE;
    }
  return TRUE;
}

static void
take_back (const char *folder, gboolean made, GPtrArray *moved)
{
  for (guint i = 0; i < moved->len; i++)
    unlink (moved->pdata[i]);
  if (made)
    rmdir (folder);
}

/* A model and, where it is too large for one file, its weights. Those keep their name, which stands
 * in the model, and go first. */
static gboolean
move_model (FwJobFolder *folder,
            const char *source,
            const char *target,
            GPtrArray *moved,
            GCancellable *cancellable,
            GError **error)
{
  g_autofree char *data = g_strconcat (source, ".data", NULL);

  if (fw_job_folder_holds (folder, data))
    {
      g_autofree char *target_folder = g_path_get_dirname (target);
      g_autofree char *name = g_path_get_basename (data);
      g_autofree char *data_target = g_build_filename (target_folder, name, NULL);

      if (!fw_file_move (data, data_target, FALSE, cancellable, error))
        return FALSE;
      g_ptr_array_add (moved, g_steal_pointer (&data_target));
    }
  if (!fw_file_move (source, target, FALSE, cancellable, error))
    return FALSE;
  g_ptr_array_add (moved, g_strdup (target));
  return TRUE;
}

static gboolean
move_stop (const FwJob *job,
           FwJobFolder *folder,
           JsonObject *stop,
           guint number,
           GPtrArray *moved,
           GCancellable *cancellable,
           GError **error)
{
  const char *member = fw_json_get_string (stop, "file", NULL);
  g_autofree char *source = NULL;
  g_autofree char *name = NULL;
  g_autofree char *target = NULL;

  if (member == NULL)
    return TRUE;
  source = fw_json_to_path (member, error);
  if (source == NULL || !check_file (folder, stop, source, cancellable, error))
    return FALSE;
  name = g_strdup_printf ("stop-%02u.onnx", number);
  target = g_build_filename (job->out_dir, name, NULL);
  if (!move_model (folder, source, target, moved, cancellable, error))
    return FALSE;
  json_object_set_string_member (stop, "file", name);
  return TRUE;
}

static gboolean
write_stops (const FwJob *job, JsonArray *stops, GPtrArray *moved, GError **error)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_alloc ();
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *target = g_build_filename (job->out_dir, "stops.json", NULL);
  JsonObject *object = json_object_new ();
  gsize length;
  char *text;

  json_object_set_array_member (object, "stops", json_array_ref (stops));
  json_node_init_object (root, object);
  json_object_unref (object);
  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, &length);
  bytes = g_bytes_new_take (text, length);
  if (!fw_file_write (target, bytes, FALSE, error))
    return FALSE;
  g_ptr_array_add (moved, g_steal_pointer (&target));
  return TRUE;
}

/* For the event, stops have whole paths; in stops.json, names beside it. */
static void
complete_names (const FwJob *job, JsonArray *stops)
{
  for (guint i = 0; i < json_array_get_length (stops); i++)
    {
      JsonObject *stop = json_array_get_object_element (stops, i);
      const char *name = fw_json_get_string (stop, "file", NULL);

      if (name != NULL)
        {
          g_autofree char *path = g_build_filename (job->out_dir, name, NULL);

          set_path_member (stop, "file", path);
        }
    }
}

static gboolean
deliver_path (const FwJob *job,
              FwJobFolder *folder,
              JsonArray *stops,
              GCancellable *cancellable,
              GError **error)
{
  g_autoptr (GPtrArray) moved = g_ptr_array_new_with_free_func (g_free);
  guint n = json_array_get_length (stops);
  gboolean made, ok;

  if (!make_folder (job->out_dir, &made, error))
    return FALSE;
  ok = TRUE;
  for (guint i = 0; i < n && ok; i++)
    ok = move_stop (job, folder, json_array_get_object_element (stops, i), i + 1, moved,
                    cancellable, error);
  ok = ok && write_stops (job, stops, moved, error);
  if (ok)
    complete_names (job, stops);
  else
    take_back (job->out_dir, made, moved);
  return ok;
}

static gboolean
deliver_one (const FwJob *job,
             FwJobFolder *folder,
             JsonObject *result,
             GCancellable *cancellable,
             GError **error)
{
  const char *member = fw_json_get_string (result, "path", NULL);
  g_autofree char *source = member != NULL ? fw_json_to_path (member, error) : NULL;
  g_autoptr (GPtrArray) moved = g_ptr_array_new_with_free_func (g_free);

  if (source == NULL)
    {
      if (member == NULL)
        g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The smaller model was not written."));
      return FALSE;
    }
  if (!check_file (folder, result, source, cancellable, error))
    return FALSE;
  if (job->output != NULL && !move_model (folder, source, job->output, moved, cancellable, error))
    {
      take_back (NULL, FALSE, moved);
      return FALSE;
    }
  set_path_member (result, "path", job->output);
  return TRUE;
}

/* The tensors that samples became, out of a folder of the job's own. */
static gboolean
deliver_inputs (const FwJob *job,
                FwJobFolder *folder,
                JsonObject *result,
                GCancellable *cancellable,
                GError **error)
{
  g_autofree char *source_folder
      = g_build_filename (fw_job_folder_get_path (folder), "inputs", NULL);
  g_autoptr (GPtrArray) moved = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (source_folder, 0, NULL);
  gboolean made, ok = TRUE;
  const char *name;

  if (!make_folder (job->save_inputs, &made, error))
    return FALSE;
  while (ok && dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *source = g_build_filename (source_folder, name, NULL);
      g_autofree char *target = g_build_filename (job->save_inputs, name, NULL);

      if (!fw_job_folder_holds (folder, source))
        continue;
      ok = fw_file_move (source, target, FALSE, cancellable, error);
      if (ok)
        g_ptr_array_add (moved, g_steal_pointer (&target));
    }
  if (!ok)
    take_back (job->save_inputs, made, moved);
  else
    set_path_member (result, "inputs", job->save_inputs);
  return ok;
}

static void
forget_files (JsonArray *stops)
{
  for (guint i = 0; stops != NULL && i < json_array_get_length (stops); i++)
    {
      JsonObject *stop = json_array_get_object_element (stops, i);

      if (json_object_has_member (stop, "file"))
        json_object_set_null_member (stop, "file");
    }
}

gboolean
fw_delivery_finish (const FwJob *job,
                    FwJobFolder *folder,
                    JsonObject *result,
                    GCancellable *cancellable,
                    GError **error)
{
  JsonArray *stops = fw_json_get_array (result, "stops");

  for (guint i = 0; stops != NULL && i < json_array_get_length (stops); i++)
    if (!JSON_NODE_HOLDS_OBJECT (json_array_get_element (stops, i)))
      {
        g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The result makes no sense."));
        return FALSE;
      }
  if (job->save_inputs != NULL && !deliver_inputs (job, folder, result, cancellable, error))
    return FALSE;

  if (job->command == FW_COMMAND_SHRINK || job->command == FW_COMMAND_REBUILD
      || job->command == FW_COMMAND_EXPORT)
    {
      forget_files (stops);
      return deliver_one (job, folder, result, cancellable, error);
    }
  if (job->command == FW_COMMAND_PATH)
    {
      if (stops == NULL)
        {
          g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The result makes no sense."));
          return FALSE;
        }
      set_path_member (result, "path", job->out_dir);
      return deliver_path (job, folder, stops, cancellable, error);
    }
  return TRUE;
}

void
fw_delivery_preview (const FwJob *job, FwJobFolder *folder, JsonObject *event)
{
  const char *member = fw_json_get_string (event, "preview", NULL);
  g_autofree char *source = member != NULL ? fw_json_to_path (member, NULL) : NULL;
  g_autofree char *name = NULL;
  g_autofree char *target = NULL;
  g_autoptr (GError) error = NULL;

  if (member == NULL)
    return;
  json_object_set_null_member (event, "preview");
  if (job->previews == NULL || !fw_job_folder_holds (folder, source)
      || g_mkdir_with_parents (job->previews, 0700) != 0)
    return;
  name = g_path_get_basename (source);
  target = g_build_filename (job->previews, name, NULL);
  if (fw_file_move (source, target, FALSE, NULL, &error))
    set_path_member (event, "preview", target);
  else
    g_info ("A preview was left out: %s", error->message);
}
