/* SPDX-License-Identifier: GPL-3.0-or-later */

/* array-files.h: files of numbers for tests, written byte by byte. */

#pragma once

#include <glib.h>

/* An .npy file of @data under a header of your own words. */
GByteArray *array_file_npy (const char *descr,
                            const char *order,
                            const char *shape,
                            gconstpointer data,
                            gsize size);
/* float32 0, 1, 2 ... plus @first. */
GByteArray *array_file_floats (const char *shape, guint n, float first);

/* A zip archive of members added one after another; takes @content. */
typedef struct _ArrayZip ArrayZip;
ArrayZip *array_zip_new (const char *path);
void array_zip_add (ArrayZip *self, const char *name, GByteArray *content);
void array_zip_close (ArrayZip *self);

/* Writes and frees @content. */
void array_file_put (const char *path, GByteArray *content);
