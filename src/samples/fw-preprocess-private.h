/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "fw-preprocess.h"

G_BEGIN_DECLS

/* The name of the preset that @self is, whatever its own name says, or "custom". */
char *fw_preprocess_make_name (const FwPreprocess *self);

G_END_DECLS
