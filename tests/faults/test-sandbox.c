/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a model that takes over its process would try: all of it has to fail. Each test shuts a
 * process of its own in. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gio/gio.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "fw-file.h"
#include "fw-sandbox.h"

typedef struct
{
  char *folder;
  char *readable; /* folder/in, with a file */
  char *writable; /* folder/job */
  char *outside;  /* folder/secret, a file */
} Place;

/* The test process and the one shut in meet in a folder that the first one makes. */
static void
place_init (Place *place)
{
  const char *given = g_getenv ("SANDBOX_FOLDER");

  place->folder = given != NULL ? g_strdup (given) : g_dir_make_tmp ("sandbox-XXXXXX", NULL);
  g_assert_nonnull (place->folder);
  place->readable = g_build_filename (place->folder, "in", NULL);
  place->writable = g_build_filename (place->folder, "job", NULL);
  place->outside = g_build_filename (place->folder, "secret", NULL);
  if (given == NULL)
    {
      g_autofree char *sample = g_build_filename (place->readable, "sample", NULL);

      g_setenv ("SANDBOX_FOLDER", place->folder, TRUE);
      g_assert_cmpint (g_mkdir (place->readable, 0755), ==, 0);
      g_assert_cmpint (g_mkdir (place->writable, 0755), ==, 0);
      g_assert_true (g_file_set_contents (sample, "sample", -1, NULL));
      g_assert_true (g_file_set_contents (place->outside, "secret", -1, NULL));
    }
}

static void
place_clear (Place *place)
{
  fw_file_remove_tree (place->folder);
  g_unsetenv ("SANDBOX_FOLDER");
  g_free (place->folder);
  g_free (place->readable);
  g_free (place->writable);
  g_free (place->outside);
}

static void
shut_in (const Place *place)
{
  g_autoptr (GPtrArray) readable = g_ptr_array_new ();
  const char *writable[] = { place->writable, NULL };
  const char *const *system = fw_sandbox_get_system_paths ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; system[i] != NULL; i++)
    g_ptr_array_add (readable, (gpointer) system[i]);
  g_ptr_array_add (readable, place->readable);
  g_ptr_array_add (readable, NULL);
  g_assert_true (fw_sandbox_enter ((const char *const *) readable->pdata, writable, &error));
  g_assert_no_error (error);
}

/* Runs @attempt shut in, in a process of its own, which has to live to the end of it. */
static void
run_shut_in (void (*attempt) (const Place *place))
{
  Place place;

  place_init (&place);
  if (g_test_subprocess ())
    {
      shut_in (&place);
      attempt (&place);
      /* Not exit(): a leak checker would want to trace this process. */
      _exit (0);
    }
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  place_clear (&place);
}

static void
assert_no_open (const char *path, int flags)
{
  int fd = open (path, flags, 0600);

  g_assert_cmpint (fd, <, 0);
  g_assert_true (errno == EACCES || errno == EPERM);
}

static gboolean
has_landlock (void)
{
  if (fw_sandbox_get_landlock_version () > 0)
    return TRUE;
  g_test_skip ("This kernel has no Landlock");
  return FALSE;
}

static void
try_reading (const Place *place)
{
  g_autofree char *sample = g_build_filename (place->readable, "sample", NULL);
  g_autofree char *text = NULL;
  g_autofree char *status = NULL;

  g_assert_true (g_file_get_contents (sample, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "sample");
  assert_no_open (place->outside, O_RDONLY);
  assert_no_open ("/etc/passwd", O_RDONLY);
  assert_no_open ("/etc/shadow", O_RDONLY);
  assert_no_open (place->folder, O_RDONLY | O_DIRECTORY);
  assert_no_open ("/", O_RDONLY | O_DIRECTORY);
  assert_no_open ("/home", O_RDONLY | O_DIRECTORY);
  assert_no_open ("/proc/1/environ", O_RDONLY);
  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
}

static void
test_reading (void)
{
  if (has_landlock ())
    run_shut_in (try_reading);
}

static void
try_writing (const Place *place)
{
  g_autofree char *sample = g_build_filename (place->readable, "sample", NULL);
  g_autofree char *fresh = g_build_filename (place->readable, "fresh", NULL);
  g_autofree char *link_name = g_build_filename (place->writable, "link", NULL);
  g_autofree char *moved = g_build_filename (place->writable, "moved", NULL);

  assert_no_open (sample, O_WRONLY);
  assert_no_open (sample, O_RDONLY | O_TRUNC);
  assert_no_open (fresh, O_WRONLY | O_CREAT);
  assert_no_open (place->outside, O_WRONLY | O_APPEND);
  assert_no_open ("/tmp/featherweight-must-not-be", O_WRONLY | O_CREAT);
  assert_no_open ("/proc/self/oom_score_adj", O_WRONLY);
  g_assert_cmpint (truncate (sample, 0), !=, 0);
  g_assert_cmpint (unlink (sample), !=, 0);
  g_assert_cmpint (rename (sample, moved), !=, 0);
  g_assert_cmpint (link (sample, moved), !=, 0);
  g_assert_cmpint (symlink (place->outside, link_name), !=, 0);
  g_assert_cmpint (mkdir (fresh, 0700), !=, 0);
  g_assert_cmpint (mknod (link_name, S_IFIFO | 0600, 0), !=, 0);
  g_assert_cmpint (chmod (sample, 0777), !=, 0);
  g_assert_cmpint (chown (sample, 1, 1), !=, 0);
  g_assert_cmpint (utime (sample, NULL), !=, 0);
}

static void
test_writing (void)
{
  if (has_landlock ())
    run_shut_in (try_writing);
}

/* What a job does do in its folder. */
static void
try_working (const Place *place)
{
  g_autofree char *sub = g_build_filename (place->writable, "sub", NULL);
  g_autofree char *file = g_build_filename (place->writable, "file", NULL);
  g_autofree char *moved = g_build_filename (sub, "moved", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("model", 5);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  int fd;

  g_assert_cmpint (g_mkdir (sub, 0700), ==, 0);
  g_assert_true (fw_file_write (file, bytes, FALSE, &error));
  g_assert_no_error (error);
  g_assert_true (fw_file_move (file, moved, FALSE, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (fw_file_write (moved, bytes, TRUE, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (file, "more", -1, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (file, &text, NULL, &error));
  g_assert_cmpstr (text, ==, "more");
  g_assert_cmpint (truncate (file, 1), ==, 0);
  fd = open ("/dev/null", O_RDWR);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  fw_file_remove_tree (sub);
  g_assert_false (g_file_test (sub, G_FILE_TEST_EXISTS));
}

static void
test_working (void)
{
  run_shut_in (try_working);
}

static void
try_network (const Place *place)
{
  static const int families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET };
  int pair[2];

  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_assert_cmpint (socket (families[i], SOCK_STREAM, 0), <, 0);
      g_assert_cmpint (errno, ==, EPERM);
    }
  g_assert_cmpint (socket (AF_INET, SOCK_DGRAM, 0), <, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), <, 0);
}

static void
test_network (void)
{
  run_shut_in (try_network);
}

static void
try_programs (const Place *place)
{
  char *arguments[] = { (char *) "/bin/true", NULL };

  g_assert_cmpint (execv ("/bin/true", arguments), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint (fork (), <, 0);
  g_assert_cmpint ((int) syscall (SYS_clone, SIGCHLD, NULL, NULL, NULL, 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_false (g_spawn_command_line_sync ("/bin/true", NULL, NULL, NULL, NULL));
  g_assert_cmpint (system ("true"), !=, 0);
}

static void
test_programs (void)
{
  run_shut_in (try_programs);
}

static void
try_system (const Place *place)
{
  g_assert_cmpint ((int) ptrace (PTRACE_ATTACH, getppid (), NULL, NULL), <, 0);
  g_assert_cmpint (kill (getppid (), 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint (kill (1, 0), <, 0);
  g_assert_cmpint (unshare (CLONE_NEWUSER), <, 0);
  g_assert_cmpint ((int) syscall (SYS_mount, "none", place->writable, "tmpfs", 0, NULL), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (SYS_bpf, 0, NULL, 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (SYS_keyctl, 0, 0, 0, 0, 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (425 /* io_uring_setup */, 1, NULL), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (SYS_perf_event_open, NULL, 0, 0, 0, 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (SYS_userfaultfd, 0), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint ((int) syscall (SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY), <, 0);
  g_assert_cmpint (errno, ==, EPERM);
}

static void
test_system (void)
{
  run_shut_in (try_system);
}

static gpointer
count (gpointer data)
{
  int fd = open (data, O_RDONLY);

  /* Threads are shut in as well. */
  g_assert_cmpint (fd, <, 0);
  return GINT_TO_POINTER (7);
}

static void
try_threads (const Place *place)
{
  for (guint i = 0; i < 20; i++)
    {
      GThread *thread = g_thread_new ("counter", count, place->outside);

      g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, 7);
    }
}

static void
test_threads (void)
{
  if (has_landlock ())
    run_shut_in (try_threads);
}

#if !defined(__SANITIZE_ADDRESS__)
static gpointer
wait_for_ever (gpointer data)
{
  g_mutex_lock (data);
  return NULL;
}
#endif

static void
test_too_late (void)
{
#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("AddressSanitizer may have a thread of its own");
#else
  if (g_test_subprocess ())
    {
      const char *none[] = { NULL };
      GMutex mutex;
      g_autoptr (GError) error = NULL;

      g_mutex_init (&mutex);
      g_mutex_lock (&mutex);
      g_thread_unref (g_thread_new ("early", wait_for_ever, &mutex));
      g_assert_false (fw_sandbox_enter (none, none, &error));
      g_assert_nonnull (error);
      _exit (0);
    }
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
#endif
}

static void
test_memory (void)
{
#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("There is no limit under AddressSanitizer");
#else
  if (g_test_subprocess ())
    {
      g_autoptr (GError) error = NULL;
      struct rlimit limit;
      char *taken;

      g_assert_false (fw_sandbox_limit_memory (1024, &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
      g_assert_true (fw_sandbox_limit_memory (64 * 1024 * 1024, &error));
      g_assert_no_error (error);
      g_assert_cmpint (getrlimit (RLIMIT_CORE, &limit), ==, 0);
      g_assert_cmpuint (limit.rlim_cur, ==, 0);
      taken = g_try_malloc (16 * 1024 * 1024);
      g_assert_nonnull (taken);
      g_free (taken);
      g_assert_null (g_try_malloc (128 * 1024 * 1024));
      _exit (0);
    }
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/reading", test_reading);
  g_test_add_func ("/sandbox/writing", test_writing);
  g_test_add_func ("/sandbox/working", test_working);
  g_test_add_func ("/sandbox/network", test_network);
  g_test_add_func ("/sandbox/programs", test_programs);
  g_test_add_func ("/sandbox/system", test_system);
  g_test_add_func ("/sandbox/threads", test_threads);
  g_test_add_func ("/sandbox/too-late", test_too_late);
  g_test_add_func ("/sandbox/memory", test_memory);
  return g_test_run ();
}
