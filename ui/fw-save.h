/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-save.h: the selected version as a file of the user's. */

#pragma once

#include "fw-window.h"

G_BEGIN_DECLS

/* Asks where to, rebuilds the version from its recipe there, and says so. */
void fw_save_selected (FwWindow *window);

G_END_DECLS
