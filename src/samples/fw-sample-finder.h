/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sample-finder.h: the pictures and arrays below the folders that the user gave. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FW_SAMPLE_FINDER_MAX_FILES 100000

typedef struct
{
  char *path;
  char *below; /* the path below the folder given, raw; a file given alone: its name */
  guint root;  /* which of the paths given it was found in */
} FwFoundFile;

typedef struct
{
  GPtrArray *pictures;   /* FwFoundFile: content looks like a picture; sorted by root and path */
  GPtrArray *unreadable; /* char *: named like a picture, but is none; for people */
  GPtrArray *arrays;     /* FwFoundFile: .npy, .npz and .f32 files, sorted likewise */
  GPtrArray *damaged;    /* char *: named like an array, but is none; for people */
  GPtrArray *tables;     /* FwFoundFile: the first CSV files found in and below the folders */
  gboolean more;         /* there were more files than are looked at */
} FwFound;

/* @paths: NULL-terminated. Errors: NO_SUCH_FILE, NOT_READABLE, cancelled. */
FwFound *fw_sample_finder_run (const char *const *paths, GCancellable *cancellable, GError **error);
void fw_found_free (FwFound *self);

/* @raw as text for people: valid UTF-8 without control characters. */
char *fw_sample_finder_make_name (const char *raw);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwFound, fw_found_free)

G_END_DECLS
