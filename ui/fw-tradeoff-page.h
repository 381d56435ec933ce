/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "fw-application.h"
#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_TRADEOFF_PAGE (fw_tradeoff_page_get_type ())

G_DECLARE_FINAL_TYPE (FwTradeoffPage, fw_tradeoff_page, FW, TRADEOFF_PAGE, AdwBin)

void fw_tradeoff_page_set_project (FwTradeoffPage *self, FwProject *project);

G_END_DECLS
