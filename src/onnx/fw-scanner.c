/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-scanner.h"

#include <string.h>

/* As deep as protobuf's own reader goes, so that nothing ONNX Runtime would read is refused. */
#define MAX_DEPTH 100
#define MAX_MESSAGES (1u << 22)
#define MAX_FIELDS (1u << 26)

/* What protobuf-c will need for the tree, against the bytes of the message that are not tensors'.
 * Large models stay below a factor of 30, small ones below 45; a file of empty attributes would
 * reach 170. */
#define MEMORY_BASE (64u << 20)
#define MEMORY_FACTOR 48
#define MEMORY_LIMIT (G_GUINT64_CONSTANT (4) << 30)

/* A length of fixed width: varints may be longer than they need be, and protobuf-c takes five
 * bytes. So a length can be filled in after the message that it belongs to. */
#define LENGTH_SIZE 5

/* Roughly what protobuf-c takes for each field while it reads, and malloc() for each piece. */
#define SCANNED_MEMBER_SIZE 48
#define ALLOCATION_OVERHEAD 16

#define TENSOR_RAW_DATA 9
#define MODEL_GRAPH 7
#define ONEOF_BIT 63

enum
{
  WIRE_VARINT = 0,
  WIRE_64BIT = 1,
  WIRE_LENGTH = 2,
  WIRE_32BIT = 5,
};

typedef struct
{
  const guint8 *data;
  GByteArray *skeleton;
  guint64 n_messages;
  guint64 n_fields;
  guint64 memory;
  FwScanFailure *failure;
} Scanner;

static gboolean scan_message (Scanner *self,
                              const ProtobufCMessageDescriptor *descriptor,
                              gsize position,
                              gsize end,
                              guint depth);

static gboolean
fail (Scanner *self, FwScanFailureKind kind, gsize offset)
{
  self->failure->kind = kind;
  self->failure->offset = offset;
  return FALSE;
}

static gboolean
read_varint (Scanner *self, gsize *position, gsize end, guint max_bytes, guint64 *value)
{
  guint64 result = 0;

  for (guint i = 0; i < max_bytes; i++)
    {
      guint8 byte;

      if (*position >= end)
        return fail (self, FW_SCAN_TRUNCATED, *position);

      byte = self->data[(*position)++];
      result |= (guint64) (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0)
        {
          *value = result;
          return TRUE;
        }
    }

  return fail (self, FW_SCAN_DAMAGED, *position);
}

/* The wire type of a single value of @type. */
static guint
get_wire_type (ProtobufCType type)
{
  switch (type)
    {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
      return WIRE_32BIT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
      return WIRE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
      return WIRE_LENGTH;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
    default:
      return WIRE_VARINT;
    }
}

static void
copy (Scanner *self, gsize start, gsize end)
{
  g_byte_array_append (self->skeleton, self->data + start, end - start);
}

/* Text that something is found by must not have a hidden tail behind a zero byte: two names that
 * differ would become one. Text for people may be cut there. */
static gboolean
is_descriptive (const ProtobufCMessageDescriptor *descriptor, const ProtobufCFieldDescriptor *field)
{
  static const char *const names[]
      = { "doc_string", "producer_name", "producer_version", "value", NULL };

  if (strcmp (field->name, "name") == 0)
    return descriptor == &onnx__graph_proto__descriptor
           || descriptor == &onnx__node_proto__descriptor;
  return g_strv_contains (names, field->name);
}

static gboolean
scan_packed (Scanner *self,
             const ProtobufCFieldDescriptor *field,
             gsize start,
             gsize end,
             guint wire_type)
{
  gsize n = 0;

  if (wire_type == WIRE_32BIT || wire_type == WIRE_64BIT)
    {
      if ((end - start) % (wire_type == WIRE_32BIT ? 4 : 8) != 0)
        return fail (self, FW_SCAN_DAMAGED, start);
      self->memory += end - start;
      return TRUE;
    }

  for (gsize position = start; position < end; n++)
    {
      guint64 value;

      if (!read_varint (self, &position, end, 10, &value))
        return FALSE;
    }

  self->memory += n * sizeof (guint64);
  return TRUE;
}

static gboolean
scan_submessage (Scanner *self,
                 const ProtobufCFieldDescriptor *field,
                 gsize start,
                 gsize end,
                 guint depth)
{
  const ProtobufCMessageDescriptor *descriptor = field->descriptor;
  guint length_at = self->skeleton->len;
  guint32 length;

  if (depth + 1 > MAX_DEPTH || ++self->n_messages > MAX_MESSAGES)
    return fail (self, FW_SCAN_HOSTILE, start);
  self->memory += descriptor->sizeof_message + sizeof (gpointer) + ALLOCATION_OVERHEAD;

  g_byte_array_set_size (self->skeleton, length_at + LENGTH_SIZE);
  if (!scan_message (self, descriptor, start, end, depth + 1))
    return FALSE;

  length = self->skeleton->len - length_at - LENGTH_SIZE;
  for (guint i = 0; i < LENGTH_SIZE; i++)
    {
      guint8 more = i + 1 < LENGTH_SIZE ? 0x80 : 0;

      self->skeleton->data[length_at + i] = ((length >> (7 * i)) & 0x7f) | more;
    }
  return TRUE;
}

static void
emit_reference (Scanner *self, gsize start, gsize end)
{
  FwScanReference reference = { start, end - start };
  guint8 length = sizeof reference;

  g_byte_array_append (self->skeleton, &length, 1);
  g_byte_array_append (self->skeleton, (const guint8 *) &reference, sizeof reference);
}

/* A field with a length: @start is where it begins, @payload where its bytes do. */
static gboolean
scan_payload (Scanner *self,
              const ProtobufCMessageDescriptor *descriptor,
              const ProtobufCFieldDescriptor *field,
              gsize start,
              gsize tag_end,
              gsize payload,
              gsize end,
              guint depth)
{
  guint wire_type = field == NULL ? WIRE_LENGTH : get_wire_type (field->type);

  self->memory += ALLOCATION_OVERHEAD;
  if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE)
    {
      copy (self, start, tag_end);
      return scan_submessage (self, field, payload, end, depth);
    }
  if (descriptor == &onnx__tensor_proto__descriptor && field != NULL
      && field->id == TENSOR_RAW_DATA)
    {
      copy (self, start, tag_end);
      emit_reference (self, payload, end);
      return TRUE;
    }

  if (wire_type != WIRE_LENGTH)
    {
      if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return fail (self, FW_SCAN_DAMAGED, start);
      if (!scan_packed (self, field, payload, end, wire_type))
        return FALSE;
    }
  else
    {
      if (field != NULL && field->type == PROTOBUF_C_TYPE_STRING
          && !is_descriptive (descriptor, field)
          && memchr (self->data + payload, 0, end - payload) != NULL)
        return fail (self, FW_SCAN_DAMAGED, payload);
      self->memory += end - payload + sizeof (ProtobufCMessageUnknownField);
    }

  copy (self, start, end);
  return TRUE;
}

/* protobuf-c merges a message that comes twice where one is expected; that takes quadratic time,
 * and no program writes such files. */
static gboolean
check_single (Scanner *self, guint64 *seen, guint index, const ProtobufCFieldDescriptor *field)
{
  guint64 bit;

  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    return TRUE;
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    bit = G_GUINT64_CONSTANT (1) << ONEOF_BIT;
  else if (field->type == PROTOBUF_C_TYPE_MESSAGE && index < ONEOF_BIT)
    bit = G_GUINT64_CONSTANT (1) << index;
  else
    return TRUE;

  if (*seen & bit)
    return FALSE;
  *seen |= bit;
  return TRUE;
}

/* The number and wire type of the field at @position, and what it is if the schema knows it. */
static gboolean
read_tag (Scanner *self,
          const ProtobufCMessageDescriptor *descriptor,
          gsize *position,
          gsize end,
          guint64 *seen,
          guint64 *tag,
          const ProtobufCFieldDescriptor **field)
{
  gsize start = *position;

  if (!read_varint (self, position, end, 5, tag))
    return FALSE;
  if (*tag > G_MAXUINT32 || *tag >> 3 == 0)
    return fail (self, FW_SCAN_DAMAGED, start);
  if (++self->n_fields > MAX_FIELDS)
    return fail (self, FW_SCAN_HOSTILE, start);

  *field = protobuf_c_message_descriptor_get_field (descriptor, *tag >> 3);
  self->memory += SCANNED_MEMBER_SIZE;
  if (*field == NULL)
    {
      self->memory += sizeof (ProtobufCMessageUnknownField) + 2 * ALLOCATION_OVERHEAD;
      return TRUE;
    }

  if (!check_single (self, seen, *field - descriptor->fields, *field)
      || ((*tag & 7) != WIRE_LENGTH && (*tag & 7) != get_wire_type ((*field)->type)))
    return fail (self, FW_SCAN_DAMAGED, start);
  return TRUE;
}

static gboolean
scan_field (Scanner *self,
            const ProtobufCMessageDescriptor *descriptor,
            gsize *position,
            gsize end,
            guint depth,
            guint64 *seen)
{
  const ProtobufCFieldDescriptor *field;
  gsize start = *position;
  gsize tag_end;
  guint64 tag, value;

  if (!read_tag (self, descriptor, position, end, seen, &tag, &field))
    return FALSE;
  tag_end = *position;
  if (depth == 0 && tag == (MODEL_GRAPH << 3 | WIRE_LENGTH))
    self->failure->saw_graph = TRUE;

  switch (tag & 7)
    {
    case WIRE_VARINT:
      if (!read_varint (self, position, end, 10, &value))
        return FALSE;
      break;
    case WIRE_64BIT:
    case WIRE_32BIT:
      value = (tag & 7) == WIRE_64BIT ? 8 : 4;
      if (end - *position < value)
        return fail (self, FW_SCAN_TRUNCATED, start);
      *position += value;
      break;
    case WIRE_LENGTH:
      if (!read_varint (self, position, end, 5, &value))
        return FALSE;
      if (end - *position < value)
        return fail (self, FW_SCAN_TRUNCATED, start);
      *position += value;
      return scan_payload (self, descriptor, field, start, tag_end, *position - value, *position,
                           depth);
    default:
      return fail (self, FW_SCAN_DAMAGED, start);
    }

  self->memory += sizeof (guint64);
  copy (self, start, *position);
  return TRUE;
}

static gboolean
scan_message (Scanner *self,
              const ProtobufCMessageDescriptor *descriptor,
              gsize position,
              gsize end,
              guint depth)
{
  guint64 seen = 0;

  while (position < end)
    {
      if (!scan_field (self, descriptor, &position, end, depth, &seen))
        return FALSE;
    }

  return TRUE;
}

GByteArray *
fw_scanner_scan (const guint8 *data, gsize length, FwScanFailure *failure)
{
  g_autoptr (GByteArray) skeleton = NULL;
  Scanner scanner = { .data = data, .failure = failure };
  guint64 wire_size;

  memset (failure, 0, sizeof *failure);

  /* No reader of protobuf messages takes more. */
  if (length > G_MAXINT32)
    {
      fail (&scanner, FW_SCAN_HOSTILE, 0);
      return NULL;
    }

  skeleton = g_byte_array_sized_new (MIN (length, 1u << 16));
  scanner.skeleton = skeleton;
  if (!scan_message (&scanner, &onnx__model_proto__descriptor, 0, length, 0))
    return NULL;

  /* Each length was widened from at least one byte. */
  wire_size = skeleton->len - scanner.n_messages * (LENGTH_SIZE - 1);
  if (skeleton->len > G_MAXINT32
      || scanner.memory > MIN (MEMORY_LIMIT, MEMORY_BASE + MEMORY_FACTOR * wire_size))
    {
      fail (&scanner, FW_SCAN_HOSTILE, 0);
      return NULL;
    }

  return g_steal_pointer (&skeleton);
}
