/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-json.h: JSON from elsewhere, read within bounds.
 *
 * json-glib recurses as deep as its input nests and takes comments and unquoted extras; this reads
 * plain JSON only, and checks depth and count before json-glib sees a byte.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define FW_JSON_MAX_BYTES (64 * 1024 * 1024)
#define FW_JSON_MAX_DEPTH 64
#define FW_JSON_MAX_VALUES 2000000

/* One object or array and nothing after it but white space. @length -1: up to the NUL. Errors:
 * USAGE, for text that is no JSON, is not UTF-8 or is beyond the limits above. */
JsonNode *fw_json_parse (const char *text, gssize length, GError **error);

/* A copy in which nothing can make invalid JSON: numbers that are not finite become null, strings
 * that are not UTF-8 are repaired. */
JsonNode *fw_json_copy_valid (JsonNode *node);

/* A path as a JSON string: as it is, or, where it is not UTF-8, as a file: URI. */
char *fw_json_from_path (const char *path);
/* The way back. A relative path is taken from the current folder; NULL and USAGE for an empty one,
 * and for a URI of another kind. */
char *fw_json_to_path (const char *text, GError **error);

/* A member of a given kind, or @fallback where there is none or it is of another kind. Borrowed. */
const char *fw_json_get_string (JsonObject *object, const char *name, const char *fallback);
double fw_json_get_number (JsonObject *object, const char *name, double fallback);
gboolean fw_json_get_boolean (JsonObject *object, const char *name, gboolean fallback);
JsonObject *fw_json_get_object (JsonObject *object, const char *name);
JsonArray *fw_json_get_array (JsonObject *object, const char *name);

G_END_DECLS
