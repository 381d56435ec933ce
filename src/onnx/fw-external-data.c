/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-model-private.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
/* A name that a message shows is cut to this many characters. */
#define SHOWN_LENGTH 100

typedef struct
{
  const char *folder;
  int folder_fd;     /* -1 until the first file is wanted */
  GHashTable *files; /* clean location: GBytes */
  GPtrArray *holders;
  guint64 total;
  GError **error;
} Loader;

static void
set_error (Loader *self, FwError code, const char *format, const char *location)
{
  g_autofree char *valid = g_utf8_make_valid (location, -1);
  g_autofree char *shown = g_utf8_strlen (valid, -1) > SHOWN_LENGTH
                               ? g_utf8_substring (valid, 0, SHOWN_LENGTH)
                               : g_strdup (valid);
  g_autofree char *message = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  message = g_strdup_printf (format, shown);
#pragma GCC diagnostic pop
  g_set_error_literal (self->error, FW_ERROR, code, message);
}

/* @location without empty and "." parts; NULL for one that leads out of the folder. */
static char *
clean_location (const char *location)
{
  g_auto (GStrv) parts = g_strsplit (location, "/", -1);
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  if (*location == '/')
    return NULL;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (strcmp (parts[i], "..") == 0)
        return NULL;
      if (*parts[i] != '\0' && strcmp (parts[i], ".") != 0)
        g_ptr_array_add (kept, parts[i]);
    }
  if (kept->len == 0)
    return NULL;

  g_ptr_array_add (kept, NULL);
  return g_strjoinv ("/", (char **) kept->pdata);
}

static gboolean
is_link (int folder_fd, const char *name)
{
  struct stat status;

  return fstatat (folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK (status.st_mode);
}

/* For kernels, and sandboxes, without openat2(): the same by steps. ELOOP for any link. */
static int
open_by_steps (int folder_fd, const char *location)
{
  g_auto (GStrv) parts = g_strsplit (location, "/", -1);
  int current = dup (folder_fd);

  for (guint i = 0; current >= 0 && parts[i] != NULL; i++)
    {
      int flags = parts[i + 1] != NULL ? O_PATH | O_DIRECTORY | O_CLOEXEC : OPEN_FLAGS;
      int next = openat (current, parts[i], flags | O_NOFOLLOW);
      int saved_errno = errno;

      if (next < 0 && is_link (current, parts[i]))
        saved_errno = ELOOP;
      close (current);
      current = next;
      errno = saved_errno;
    }
  return current;
}

static gboolean avoid_openat2;

void
fw_external_data_avoid_openat2 (gboolean avoid)
{
  avoid_openat2 = avoid;
}

static int
open_beneath (int folder_fd, const char *location)
{
  struct open_how how = {
    .flags = OPEN_FLAGS,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  int fd;

  if (avoid_openat2)
    return open_by_steps (folder_fd, location);

  fd = syscall (SYS_openat2, folder_fd, location, &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    fd = open_by_steps (folder_fd, location);
  return fd;
}

static void
set_open_error (Loader *self, int saved_errno, const char *location)
{
  switch (saved_errno)
    {
    case ELOOP:
    case EXDEV:
      set_error (self, FW_ERROR_EXTERNAL_DATA_OUTSIDE,
                 _ ("The model’s weights are said to be in “%s”, which is a link to another place. "
                    "For safety it was not followed."),
                 location);
      break;
    case EACCES:
    case EPERM:
      set_error (self, FW_ERROR_NOT_READABLE, _ ("The model’s weights in “%s” may not be read."),
                 location);
      break;
    default:
      set_error (self, FW_ERROR_EXTERNAL_DATA_MISSING,
                 _ ("The model keeps its weights in a second file, “%s”, which is not beside it."),
                 location);
      break;
    }
}

static GBytes *
map_location (Loader *self, const char *location)
{
  GBytes *mapped = NULL;
  struct stat status;
  int fd = -1;

  if (self->folder_fd < 0 && self->folder != NULL)
    self->folder_fd = g_open (self->folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  errno = ENOENT;
  if (self->folder_fd >= 0)
    fd = open_beneath (self->folder_fd, location);
  if (fd < 0)
    {
      set_open_error (self, errno, location);
      return NULL;
    }

  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode))
    set_error (self, FW_ERROR_EXTERNAL_DATA_MISSING,
               _ ("The model’s weights are said to be in “%s”, which is not an ordinary file."),
               location);
  else
    mapped = fw_mapping_new (fd);
  g_close (fd, NULL);

  if (mapped == NULL)
    {
      if (*self->error == NULL)
        set_error (self, FW_ERROR_NOT_READABLE, _ ("“%s” could not be read."), location);
      return NULL;
    }
  self->total += g_bytes_get_size (mapped);
  return mapped;
}

/* The file at @location, mapped once for all tensors in it. */
static GBytes *
get_file (Loader *self, const char *location)
{
  g_autofree char *clean = location != NULL ? clean_location (location) : NULL;
  GBytes *bytes;

  if (clean == NULL)
    {
      set_error (self, FW_ERROR_EXTERNAL_DATA_OUTSIDE,
                 _ ("The model’s weights are said to be in “%s”, outside the model’s folder. For "
                    "safety that file was not opened."),
                 location != NULL ? location : "");
      return NULL;
    }

  bytes = g_hash_table_lookup (self->files, clean);
  if (bytes == NULL)
    {
      bytes = map_location (self, clean);
      if (bytes == NULL)
        return NULL;
      g_hash_table_insert (self->files, g_steal_pointer (&clean), bytes);
      g_ptr_array_add (self->holders, bytes);
    }
  return bytes;
}

static gboolean
read_number (const Onnx__TensorProto *tensor, const char *key, guint64 fallback, guint64 *number)
{
  const char *text = fw_proto_find_entry (tensor->external_data, tensor->n_external_data, key);

  *number = fallback;
  return text == NULL || g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, number, NULL);
}

static void
set_bytes (Onnx__TensorProto *tensor, const guint8 *data, gsize length)
{
  for (gsize i = 0; i < tensor->n_external_data; i++)
    onnx__string_string_entry_proto__free_unpacked (tensor->external_data[i], NULL);
  g_clear_pointer (&tensor->external_data, g_free);
  tensor->n_external_data = 0;
  tensor->has_data_location = FALSE;
  tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
  tensor->has_raw_data = TRUE;
  tensor->raw_data.data = (guint8 *) data;
  tensor->raw_data.len = length;
}

static gboolean
load_tensor (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data)
{
  Loader *self = user_data;
  const char *location;
  const guint8 *data;
  guint64 offset, length, n_bytes;
  GBytes *bytes;
  gsize size;

  if (tensor->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    return TRUE;

  location = fw_proto_find_entry (tensor->external_data, tensor->n_external_data, "location");
  bytes = get_file (self, location);
  if (bytes == NULL)
    return FALSE;

  data = g_bytes_get_data (bytes, &size);
  if (!fw_tensor_proto_get_n_bytes (tensor, &n_bytes) || !read_number (tensor, "offset", 0, &offset)
      || !read_number (tensor, "length", n_bytes, &length) || length < n_bytes)
    {
      set_error (self, FW_ERROR_DAMAGED_MODEL,
                 _ ("What the model says about its weights in “%s” makes no sense."), location);
      return FALSE;
    }
  if (offset > size || length > size - offset)
    {
      set_error (self, FW_ERROR_EXTERNAL_DATA_MISSING,
                 _ ("The file “%s” with the model’s weights is incomplete."), location);
      return FALSE;
    }

  set_bytes (tensor, data + offset, length);
  return TRUE;
}

gboolean
fw_external_data_load (Onnx__ModelProto *proto,
                       const char *folder,
                       GPtrArray *holders,
                       guint64 *total,
                       GError **error)
{
  g_autoptr (GHashTable) files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) own_error = NULL;
  Loader loader = {
    .folder = folder,
    .folder_fd = -1,
    .files = files,
    .holders = holders,
    .error = &own_error,
  };

  fw_proto_visit_model (proto, load_tensor, &loader);
  if (loader.folder_fd >= 0)
    g_close (loader.folder_fd, NULL);

  *total += loader.total;
  if (own_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&own_error));
      return FALSE;
    }
  return TRUE;
}
