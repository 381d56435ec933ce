/* SPDX-License-Identifier: GPL-3.0-or-later */

/* running.h: what ONNX Runtime makes of a model. */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

/* The operators that it really runs, as " Conv QLinearConv ". */
char *list_running (FwModel *model);
/* How often @word is among them. */
guint count_word (const char *text, const char *word);

G_END_DECLS
