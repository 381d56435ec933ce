/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A library that answers as an ONNX Runtime would that is older than the table asked for. */

#include "config.h"

#include <stddef.h>
#include <stdint.h>

typedef struct
{
  const void *(*get_api) (uint32_t version);
  const char *(*get_version) (void);
} OldBase;

const OldBase *OrtGetApiBase (void);

static const void *
get_api (uint32_t version)
{
  return NULL;
}

static const char *
get_version (void)
{
  return "1.2.3";
}

const OldBase *
OrtGetApiBase (void)
{
  static const OldBase base = { get_api, get_version };

  return &base;
}
