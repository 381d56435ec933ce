/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-runtime-private.h: the loaded library, for the other files of this folder. */

#pragma once

#include "fw-ort-api.h"
#include "fw-session.h"

G_BEGIN_DECLS

typedef struct
{
  const OrtApi *api;
  OrtEnv *env;
  OrtMemoryInfo *memory_info;
  OrtAllocator *allocator; /* ONNX Runtime's default one; not to be released */
} FwRuntime;

/* Loads the library if it is not yet; never unloaded. */
const FwRuntime *fw_runtime_get (GError **error);

/* Set @error from @status and release it. FALSE, for returning. The first is for loading a model,
 * the second for running one. */
gboolean fw_runtime_fail_load (OrtStatus *status, GError **error);
gboolean fw_runtime_fail_run (OrtStatus *status, GError **error);

G_END_DECLS
