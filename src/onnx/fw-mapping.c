/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-error.h"

/* What is smaller is not worth a file of its own. */
#define LEAST_KEPT ((gsize) 64 << 10)

typedef struct
{
  guint8 *data;
  gsize length;
} Mapping;

static GMutex mutex;
static GPtrArray *mappings; /* Mapping, those that exist now */
static char *scratch;

static void
mapping_free (gpointer data)
{
  Mapping *self = data;

  g_mutex_lock (&mutex);
  g_ptr_array_remove_fast (mappings, self);
  g_mutex_unlock (&mutex);
  munmap (self->data, self->length);
  g_free (self);
}

GBytes *
fw_mapping_new (int fd)
{
  struct stat status;
  Mapping *self;
  void *data;

  if (fstat (fd, &status) != 0 || status.st_size < 0
      || (guint64) status.st_size > (guint64) G_MAXSSIZE)
    return NULL;
  if (status.st_size == 0)
    return g_bytes_new (NULL, 0);
  data = mmap (NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED)
    return NULL;

  self = g_new (Mapping, 1);
  self->data = data;
  self->length = status.st_size;
  g_mutex_lock (&mutex);
  if (mappings == NULL)
    mappings = g_ptr_array_new ();
  g_ptr_array_add (mappings, self);
  g_mutex_unlock (&mutex);
  return g_bytes_new_with_free_func (data, self->length, mapping_free, self);
}

static gboolean
holds_locked (const guint8 *data, gsize length)
{
  for (guint i = 0; mappings != NULL && i < mappings->len; i++)
    {
      const Mapping *mapping = g_ptr_array_index (mappings, i);

      if (data >= mapping->data && data < mapping->data + mapping->length
          && length <= mapping->length - (gsize) (data - mapping->data))
        return TRUE;
    }
  return FALSE;
}

gboolean
fw_mapping_holds (gconstpointer data, gsize length)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);

  return holds_locked (data, length);
}

/* The whole pages within @data[@length]: dropping a page that others still use would cost them a
 * read, and dropping memory that is no file's would zero it. */
static void
advise (gconstpointer data, gsize length, int advice)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  guintptr page = sysconf (_SC_PAGESIZE);
  guintptr first = ((guintptr) data + page - 1) / page * page;
  guintptr end = ((guintptr) data + length) / page * page;

  if (scratch == NULL || data == NULL || first >= end || !holds_locked (data, length))
    return;
  if (madvise ((void *) first, end - first, advice) != 0)
    g_debug ("madvise: %s", g_strerror (errno));
}

void
fw_mapping_let_go (gconstpointer data, gsize length)
{
  advise (data, length, MADV_DONTNEED);
}

void
fw_mapping_expect (gconstpointer data, gsize length)
{
  advise (data, length, MADV_WILLNEED);
}

/* Scratch -------------------------------------------------------------------------------------- */

void
fw_mapping_set_scratch (const char *folder)
{
  g_mutex_lock (&mutex);
  g_free (scratch);
  scratch = g_strdup (folder);
  g_mutex_unlock (&mutex);
}

gboolean
fw_mapping_has_scratch (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);

  return scratch != NULL;
}

int
fw_mapping_open_scratch (GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  g_autofree char *path = NULL;
  int fd;

  if (scratch == NULL)
    {
      fw_error_set_from_errno (error, ENOENT, TRUE, "");
      return -1;
    }
  path = g_build_filename (scratch, "scratch-XXXXXX", NULL);
  fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0)
    fw_error_set_from_errno (error, errno, TRUE, scratch);
  else
    g_unlink (path);
  return fd;
}

static gboolean
write_all (int fd, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      gssize n = write (fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      data += n;
      length -= n;
    }
  return TRUE;
}

GBytes *
fw_mapping_keep (GBytes *bytes)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  GBytes *kept = NULL;
  int fd;

  if (length < LEAST_KEPT || !fw_mapping_has_scratch () || fw_mapping_holds (data, length))
    return bytes;
  fd = fw_mapping_open_scratch (NULL);
  if (fd < 0)
    return bytes;
  if (write_all (fd, data, length))
    kept = fw_mapping_new (fd);
  else
    g_message ("What was made could not be put aside: %s", g_strerror (errno));
  g_close (fd, NULL);
  if (kept == NULL)
    return bytes;
  g_bytes_unref (bytes);
  return kept;
}
