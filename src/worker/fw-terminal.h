/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-terminal.h: one line at the bottom of a terminal that says how far the work has come. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FwTerminal FwTerminal;

/* Draws on @fd, if it is a terminal that can move its cursor; otherwise draws nothing. */
FwTerminal *fw_terminal_new (int fd);
/* Clears the line. */
void fw_terminal_free (FwTerminal *self);

/* @overall: 0 to 1. @seconds: the time left, or below 0 where it is not known. Draws at most ten
 * times a second. */
void fw_terminal_show (FwTerminal *self, const char *title, double overall, double seconds);
/* Takes the line away, for other text to be written; the next fw_terminal_show() brings it back. */
void fw_terminal_clear (FwTerminal *self);

/* "about 2 minutes left", in words for people; NULL where @seconds is below 0. */
char *fw_terminal_describe_time (double seconds);
/* The line that fits into @columns. @plain: no characters beyond ASCII in the bar. */
char *fw_terminal_format (const char *title,
                          double overall,
                          double seconds,
                          guint columns,
                          gboolean plain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTerminal, fw_terminal_free)

G_END_DECLS
