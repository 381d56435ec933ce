/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-class-names.h: labels.txt, one class a line.
 *
 * Names come from users' files and end up in other people's apps: each becomes one line of valid
 * UTF-8 without control characters and of bounded length.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The classes a model may have at most for this. */
#define FW_MAX_CLASS_NAMES 200000

/* A name that is one line; NULL or one of which nothing is left becomes @index as a number. */
char *fw_class_name_clean (const char *name, guint index);

/* As many names as classes: char *, cleaned. @names: NULL, or char * or NULLs; where there are
 * fewer, numbers follow. */
GPtrArray *fw_class_names_new (GPtrArray *names, guint n_classes);

/* What labels.txt or classes.txt beside the file @model says, or the file @given if that is not
 * NULL; NULL where there is none with exactly @n_classes lines. */
GPtrArray *fw_class_names_find (const char *model, const char *given, guint n_classes);

/* The file's text. */
char *fw_class_names_to_text (GPtrArray *names);

G_END_DECLS
