/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-progress.h: how far a piece of work has come.
 *
 * Work reports fractions of itself; a slice hands a part of the fraction to a callee, which need
 * not know of the whole. All functions take NULL for "nobody listens". Reported from one thread.
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _FwProgress FwProgress;

/* @fraction: 0 to 1, never falling. */
typedef void (*FwProgressFunc) (double fraction, gpointer user_data);

FwProgress *fw_progress_new (FwProgressFunc func, gpointer user_data);
FwProgress *fw_progress_ref (FwProgress *self);
void fw_progress_unref (FwProgress *self);

/* A part of @parent: its 0 is @parent's @from, its 1 is @to. NULL for a NULL parent. */
FwProgress *fw_progress_slice (FwProgress *parent, double from, double to);

void fw_progress_report (FwProgress *self, double fraction);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwProgress, fw_progress_unref)

G_END_DECLS
