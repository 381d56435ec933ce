/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fw-line-reader.h"

typedef struct
{
  int fds[2];
  FwLineReader *reader;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (pipe (fixture->fds), ==, 0);
  fixture->reader = fw_line_reader_new (fixture->fds[0], 100);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fw_line_reader_free (fixture->reader);
  close (fixture->fds[0]);
  if (fixture->fds[1] >= 0)
    close (fixture->fds[1]);
}

static void
say (Fixture *fixture, const char *text, gsize length)
{
  g_assert_cmpint (write (fixture->fds[1], text, length), ==, (gssize) length);
}

static void
end (Fixture *fixture)
{
  close (fixture->fds[1]);
  fixture->fds[1] = -1;
}

static void
test_lines (Fixture *fixture, gconstpointer data)
{
  const char *line;
  gsize length;

  say (fixture, "one\n\nthr", 8);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_READ);
  g_assert_cmpstr (line, ==, "one");
  g_assert_cmpuint (length, ==, 3);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_READ);
  g_assert_cmpuint (length, ==, 0);
  g_assert_cmpint (fw_line_reader_take (fixture->reader, &line, &length), ==, FW_LINE_AGAIN);
  say (fixture, "ee\n\0x\nrest", 10);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_READ);
  g_assert_cmpstr (line, ==, "three");
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_READ);
  g_assert_cmpmem (line, length, "\0x", 2);
  /* A line that does not end is none. */
  end (fixture);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_END);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_END);
}

static void
test_byte_by_byte (Fixture *fixture, gconstpointer data)
{
  static const char text[] = "slow line\nnext\n";
  const char *line;
  gsize length;
  guint n = 0;

  for (guint i = 0; i < sizeof text - 1; i++)
    {
      say (fixture, text + i, 1);
      g_assert_cmpint (fw_line_reader_fill (fixture->reader), ==, FW_LINE_READ);
      if (fw_line_reader_take (fixture->reader, &line, &length) == FW_LINE_READ)
        g_assert_cmpstr (line, ==, n++ == 0 ? "slow line" : "next");
    }
  g_assert_cmpuint (n, ==, 2);
}

static void
test_too_long (Fixture *fixture, gconstpointer data)
{
  g_autofree char *long_line = g_strnfill (101, 'x');
  const char *line;
  gsize length;

  long_line[100] = '\n';
  say (fixture, long_line, 101);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_READ);
  g_assert_cmpuint (length, ==, 100);
  long_line[100] = 'x';
  say (fixture, long_line, 101);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_TOO_LONG);
  say (fixture, "\n", 1);
  g_assert_cmpint (fw_line_reader_wait (fixture->reader, &line, &length), ==, FW_LINE_TOO_LONG);
}

static void
test_not_waiting (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (fcntl (fixture->fds[0], F_SETFL, O_NONBLOCK), ==, 0);
  g_assert_cmpint (fw_line_reader_fill (fixture->reader), ==, FW_LINE_AGAIN);
  end (fixture);
  g_assert_cmpint (fw_line_reader_fill (fixture->reader), ==, FW_LINE_END);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/line-reader/lines", Fixture, NULL, set_up, test_lines, tear_down);
  g_test_add ("/line-reader/byte-by-byte", Fixture, NULL, set_up, test_byte_by_byte, tear_down);
  g_test_add ("/line-reader/too-long", Fixture, NULL, set_up, test_too_long, tear_down);
  g_test_add ("/line-reader/not-waiting", Fixture, NULL, set_up, test_not_waiting, tear_down);
  return g_test_run ();
}
