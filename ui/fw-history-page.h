/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-page.h: every version of a model, newest first, the original last. */

#pragma once

#include "fw-application.h"
#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_HISTORY_PAGE (fw_history_page_get_type ())

G_DECLARE_FINAL_TYPE (FwHistoryPage, fw_history_page, FW, HISTORY_PAGE, AdwBin)

/* The project's model is shown first, and versions get a picture of its samples. */
void fw_history_page_set_project (FwHistoryPage *self, FwProject *project);

G_END_DECLS
