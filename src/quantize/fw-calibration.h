/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-calibration.h: one pass of the float model over the calibration samples.
 *
 * The values watched become extra outputs of a copy of the model. Each sample's values are added to
 * a histogram and to the mean of each channel and then let go: memory does not grow with the number
 * of samples. The results don't depend on the number of threads.
 */

#pragma once

#include "fw-histogram.h"
#include "fw-model.h"
#include "fw-progress.h"
#include "fw-session.h"

G_BEGIN_DECLS

/* Makes the inputs of run @index: an array of FwTensor, one for each input of the model in order.
 * NULL without an error means "skip this one". */
typedef GPtrArray *(*FwFeedFunc) (guint index, gpointer user_data, GError **error);

/* Is shown each float tensor watched. Different values come from several threads at once, one value
 * from one at a time and in the order of samples. The tensor must not be changed. */
typedef void (*FwObserveFunc) (const char *value,
                               FwTensor *tensor,
                               guint sample,
                               gpointer user_data);

typedef struct
{
  guint n;
  FwFeedFunc func;
  gpointer user_data;
  FwObserveFunc observe; /* or NULL */
  gpointer observer;     /* its user_data */
} FwFeed;

#define FW_CALIBRATION_MAX_CHANNELS (1 << 20)

typedef struct
{
  FwHistogram histogram;
  gsize channels; /* the size of the channel axis: 1 for 3 dims and more, else the last one */
  double *mean;   /* [channels], of finite values; NULL, and channels 0, where the axis changed its
                     size between samples or is longer than FW_CALIBRATION_MAX_CHANNELS */
  gboolean is_float; /* always: others are left out */
} FwTensorStatistics;

typedef struct _FwCalibration FwCalibration;

/* Runs @model once for each item of @feed, watching the named @values (NULL-terminated; graph
 * inputs too). Values that are not float tensors are left out of the result. */
FwCalibration *fw_calibration_run (FwModel *model,
                                   const char *const *values,
                                   const FwFeed *feed,
                                   guint threads,
                                   FwProgress *progress,
                                   GCancellable *cancellable,
                                   GError **error);
void fw_calibration_free (FwCalibration *self);

/* NULL where @value was not seen. */
const FwTensorStatistics *fw_calibration_get (FwCalibration *self, const char *value);
/* Runs that counted. */
guint fw_calibration_get_n_samples (FwCalibration *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwCalibration, fw_calibration_free)

G_END_DECLS
