/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-light-model.h: a model without its large tensors, for libonnx to look at.
 *
 * Large initializers of the main graph, and nodes that only hold a large constant, are left out; a
 * graph input of the same name, type and shape stands for each. What libonnx makes of the light
 * model is then put together with what was left out.
 */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

typedef struct _FwLightModel FwLightModel;

/* @model must outlive it, unchanged. */
FwLightModel *fw_light_model_new (FwModel *model);
void fw_light_model_free (FwLightModel *self);

/* The light model as a message. UNSUPPORTED_MODEL for a model that must not be shown to libonnx
 * because it would crash on it. */
GBytes *fw_light_model_to_bytes (FwLightModel *self, GError **error);

/* A copy of the model with the types and shapes that the light model in @bytes has. */
FwModel *fw_light_model_restore_shapes (FwLightModel *self, GBytes *bytes, GError **error);

/* A copy of the model with the graph and the opsets of the converted light model in @bytes.
 * UNSUPPORTED_MODEL if something got lost on the way. */
FwModel *fw_light_model_restore_graph (FwLightModel *self, GBytes *bytes, GError **error);

/* Whether libonnx can be trusted to convert it. */
gboolean fw_light_model_is_convertible (FwLightModel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwLightModel, fw_light_model_free)

G_END_DECLS
