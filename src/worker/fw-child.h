/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-child.h: the confined child, from inside. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @verb is one that only this program itself uses. */
gboolean fw_child_is_verb (const char *verb);

/* Reads the request from stdin, shuts the process in, does the work and says events on stdout.
 * Does not return. To be called before anything starts a thread. */
void fw_child_main (const char *verb) G_GNUC_NORETURN;

G_END_DECLS
