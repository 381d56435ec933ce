/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-page-header.h: a page's header bar: the way back, a title, and the menu.
 *
 * In .ui files children of type "start" and "end" go beside the title.
 */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define FW_TYPE_PAGE_HEADER (fw_page_header_get_type ())

G_DECLARE_FINAL_TYPE (FwPageHeader, fw_page_header, FW, PAGE_HEADER, AdwBin)

void fw_page_header_set_title (FwPageHeader *self, const char *title);
/* A smaller line below, such as the model's file name; NULL for none. */
void fw_page_header_set_subtitle (FwPageHeader *self, const char *subtitle);

G_END_DECLS
