/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-relay.h: two settings of a switchboard side by side, part after part.
 *
 * Many samples go through the first part of the model, then through the next. What one of two
 * settings does to a value in the middle is so seen at the cost of the part before it, and the
 * setting may be changed for what comes behind.
 */

#pragma once

#include "fw-switchboard.h"

G_BEGIN_DECLS

typedef struct _FwRelay FwRelay;

/* @values: NULL-terminated, of those that @board was made for. @rows: as for fw_switches_run ();
 * only as many are used as can wait between parts in about @max_bytes. */
FwRelay *fw_relay_new (FwSwitchboard *board,
                       const char *const *values,
                       GPtrArray *rows,
                       guint64 max_bytes,
                       guint threads,
                       GError **error);
void fw_relay_free (FwRelay *self);

guint fw_relay_get_n_samples (FwRelay *self);

/* The values in the order in which they come, NULL-terminated. */
const char *const *fw_relay_list_values (FwRelay *self);

/* Runs both settings up to @value: values in order, each once. The settings of what lies before the
 * value asked for last don't count any more. */
gboolean fw_relay_advance (FwRelay *self,
                           const char *value,
                           FwSwitches *original,
                           FwSwitches *current,
                           GCancellable *cancellable,
                           GError **error);
/* The value that was advanced to; NULL where it is no tensor. From several threads at once. Free
 * with fw_tensor_unref (). */
FwTensor *fw_relay_get (FwRelay *self, guint sample, gboolean current);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRelay, fw_relay_free)

G_END_DECLS
