/* SPDX-License-Identifier: GPL-3.0-or-later */

/* conformance-data.h: the models and data sets of Debian's libonnx-testdata.
 *
 * They lie in /usr/share/libonnx-testdata/data or at FW_ONNX_TESTDATA: <kind>/<model>/model.onnx,
 * with test_data_set_<n>/input_<n>.pb beside it.
 */

#pragma once

#include "fw-session.h"
#include "fw-value.h"

G_BEGIN_DECLS

typedef struct
{
  char *name; /* "test_relu" */
  char *folder;
  char *path; /* of the model */
} ConformanceModel;

/* The folder of all data, or NULL where it is not installed. */
const char *conformance_get_folder (void);

/* The models of a kind ("node", "simple", ...), by name. */
GPtrArray *conformance_list_models (const char *kind);

/* A whole file. */
GBytes *conformance_read_file (const char *path, GError **error);

/* How many data sets @self comes with. */
guint conformance_count_data_sets (const ConformanceModel *self);

/* The inputs of a data set as FwValues, one for each input of @session, in its order. @model says
 * of what kind they are. */
GPtrArray *conformance_load_inputs (const ConformanceModel *self,
                                    FwModel *model,
                                    FwSession *session,
                                    guint data_set,
                                    GError **error);

/* Whether two lists of FwValues are the same bit for bit; a NaN equals any NaN. */
gboolean conformance_equal (GPtrArray *values, GPtrArray *others);

/* The first operator of @model, subgraphs and functions included, whose result is random by its
 * definition; NULL where there is none. */
const char *conformance_find_random (FwModel *model);

/* Counts by a reason, with the names of the models counted. */
typedef struct _ConformanceGroups ConformanceGroups;

ConformanceGroups *conformance_groups_new (void);
void conformance_groups_free (ConformanceGroups *self);
void conformance_groups_add (ConformanceGroups *self, const char *reason, const char *name);
guint conformance_groups_count (ConformanceGroups *self);
/* Prints each group as a comment of TAP. */
void conformance_groups_print (ConformanceGroups *self, const char *title);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConformanceGroups, conformance_groups_free)

G_END_DECLS
