/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-answer-bars.h: what one model says to a sample: its first answers with bars and percentages.
 */

#pragma once

#include <adwaita.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A word with a symbol above the answers: never colour alone. */
typedef enum
{
  FW_ANSWER_MARK_NONE,
  FW_ANSWER_MARK_CHANGED,
  FW_ANSWER_MARK_RIGHT,
  FW_ANSWER_MARK_WRONG,
} FwAnswerMark;

#define FW_TYPE_ANSWER_BARS (fw_answer_bars_get_type ())

G_DECLARE_FINAL_TYPE (FwAnswerBars, fw_answer_bars, FW, ANSWER_BARS, GtkWidget)

GtkWidget *fw_answer_bars_new (void);

/* Whose answers they are. */
void fw_answer_bars_set_title (FwAnswerBars *self, const char *title);
/* @answers: objects with name and probability, best first; NULL for none. */
void fw_answer_bars_set_answers (FwAnswerBars *self, JsonArray *answers, FwAnswerMark mark);

/* The share as people read it: "49 %", "< 1 %". */
char *fw_answer_bars_format_share (double share);
/* An answer's name, or "Answer 7" where it has none. */
char *fw_answer_bars_name_answer (JsonObject *answer);

G_END_DECLS
