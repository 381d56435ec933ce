/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fw-error.h"

/* Landlock by number: the system's header may be older than the system's kernel. */
#ifndef SYS_landlock_create_ruleset
#  define SYS_landlock_create_ruleset 444
#  define SYS_landlock_add_rule 445
#  define SYS_landlock_restrict_self 446
#endif

#define RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_BIND_AND_CONNECT 3ull
#define SCOPE_SOCKET_AND_SIGNAL 3ull

/* What each version added, as a mask of all rights known to it. */
#define FS_VERSION_1 ((1ull << 13) - 1)

#define READ (FS_READ_FILE | FS_READ_DIR)
#define WRITE                                                                                      \
  (READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER    \
   | FS_TRUNCATE)
/* Rights that a rule on a file, not a folder, can have. */
#define FILE_RIGHTS (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

/* Threads and their stacks, and room to say what is wrong. */
#define MEMORY_TO_START (16 * 1024 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#  define UNDER_ADDRESS_SANITIZER 1
#else
#  define UNDER_ADDRESS_SANITIZER 0
#endif

struct ruleset_attr
{
  guint64 handled_fs;
  guint64 handled_net;
  guint64 scoped;
};

struct path_beneath_attr
{
  guint64 allowed;
  gint32 fd;
} __attribute__ ((packed));

static gboolean
fail (GError **error, const char *what)
{
  int saved_errno = errno;

  g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL,
               _ ("The work could not be shut in safely (%s: %s)."), what,
               g_strerror (saved_errno));
  return FALSE;
}

int
fw_sandbox_get_landlock_version (void)
{
  long version = syscall (SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);

  return version > 0 ? (int) version : 0;
}

static guint64
known_fs_rights (int version)
{
  guint64 rights = FS_VERSION_1;

  if (version >= 2)
    rights |= FS_REFER;
  if (version >= 3)
    rights |= FS_TRUNCATE;
  if (version >= 5)
    rights |= FS_IOCTL_DEV;
  return rights;
}

static gboolean
add_rule (int ruleset, const char *path, guint64 rights, GError **error)
{
  struct path_beneath_attr rule = { 0 };
  struct stat status;
  gboolean ok;

  rule.fd = open (path, O_PATH | O_CLOEXEC);
  if (rule.fd < 0)
    {
      g_debug ("No rule for %s: %s", path, g_strerror (errno));
      return TRUE;
    }
  if (fstat (rule.fd, &status) == 0 && !S_ISDIR (status.st_mode))
    rights &= FILE_RIGHTS;
  rule.allowed = rights;
  ok = syscall (SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0
       || fail (error, path);
  close (rule.fd);
  return ok;
}

static gboolean
add_rules (int ruleset, const char *const *paths, guint64 rights, GError **error)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    if (!add_rule (ruleset, paths[i], rights, error))
      return FALSE;
  return TRUE;
}

static gboolean
enter_landlock (const char *const *readable, const char *const *writable, GError **error)
{
  int version = fw_sandbox_get_landlock_version ();
  guint64 known = known_fs_rights (version);
  struct ruleset_attr attr = { .handled_fs = known };
  gboolean ok;
  int ruleset;

  if (version == 0)
    {
      g_message ("This kernel has no Landlock: files are not closed off while a model is open.");
      return TRUE;
    }
  if (version >= 4)
    attr.handled_net = NET_BIND_AND_CONNECT;
  if (version >= 6)
    attr.scoped = SCOPE_SOCKET_AND_SIGNAL;

  /* Older kernels take the longer struct as long as what they don't know is zero. */
  ruleset = (int) syscall (SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
  if (ruleset < 0)
    return fail (error, "landlock_create_ruleset");
  ok = add_rules (ruleset, readable, READ & known, error)
       && add_rules (ruleset, writable, WRITE & known, error)
       && add_rule (ruleset, "/dev/null", (FS_READ_FILE | FS_WRITE_FILE) & known, error);
  if (ok && syscall (SYS_landlock_restrict_self, ruleset, 0) != 0)
    ok = fail (error, "landlock_restrict_self");
  close (ruleset);
  return ok;
}

/* Calls that work on a model never needs, and an intruder would. Landlock does not know modes,
 * owners and attributes of files, so the calls that change those are here too. */
static const char *const denied_calls[] = {
  /* the network, and other processes by socket */
  "socket",
  "socketpair",
  "connect",
  "bind",
  "listen",
  "accept",
  "accept4",
  "sendto",
  "sendmsg",
  "sendmmsg",
  "socketcall",
  /* programs and processes */
  "execve",
  "execveat",
  "fork",
  "vfork",
  "ptrace",
  "process_vm_readv",
  "process_vm_writev",
  "process_madvise",
  "pidfd_open",
  "pidfd_getfd",
  "pidfd_send_signal",
  "kcmp",
  "unshare",
  "setns",
  "rt_sigqueueinfo",
  "rt_tgsigqueueinfo",
  /* the system */
  "mount",
  "umount",
  "umount2",
  "pivot_root",
  "chroot",
  "move_mount",
  "open_tree",
  "fsopen",
  "fsconfig",
  "fsmount",
  "fspick",
  "mount_setattr",
  "swapon",
  "swapoff",
  "reboot",
  "kexec_load",
  "kexec_file_load",
  "init_module",
  "finit_module",
  "delete_module",
  "bpf",
  "perf_event_open",
  "userfaultfd",
  "io_uring_setup",
  "io_uring_enter",
  "io_uring_register",
  "add_key",
  "request_key",
  "keyctl",
  "iopl",
  "ioperm",
  "acct",
  "quotactl",
  "quotactl_fd",
  "syslog",
  "settimeofday",
  "stime",
  "clock_settime",
  "clock_settime64",
  "adjtimex",
  "clock_adjtime",
  "sethostname",
  "setdomainname",
  "vhangup",
  "personality",
  "modify_ldt",
  "name_to_handle_at",
  "open_by_handle_at",
  "fanotify_init",
  "lookup_dcookie",
  "nfsservctl",
  "capset",
  "mknod",
  "mknodat",
  /* what Landlock leaves open */
  "chmod",
  "fchmod",
  "fchmodat",
  "fchmodat2",
  "chown",
  "fchown",
  "lchown",
  "fchownat",
  "setxattr",
  "lsetxattr",
  "fsetxattr",
  "removexattr",
  "lremovexattr",
  "fremovexattr",
  "utime",
  "utimes",
  "utimensat",
  "futimesat",
  "symlink",
  "symlinkat",
};

static int
deny_calls (scmp_filter_ctx filter)
{
  for (guint i = 0; i < G_N_ELEMENTS (denied_calls); i++)
    {
      int number = seccomp_syscall_resolve_name (denied_calls[i]);
      int result;

      if (number == __NR_SCMP_ERROR)
        continue;
      result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 0);
      if (result < 0)
        return result;
    }
  return 0;
}

/* Threads may be started and signalled (abort() does), other processes not. clone3() hides its
 * flags behind a pointer, so the C library is told to go the old way. */
static int
deny_processes (scmp_filter_ctx filter)
{
  scmp_datum_t self = (scmp_datum_t) getpid ();
  int result;

  result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (clone), 1,
                               SCMP_A0 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (kill), 1,
                               SCMP_A0 (SCMP_CMP_NE, self));
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (tgkill), 1,
                               SCMP_A0 (SCMP_CMP_NE, self));
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (tkill), 0);
  /* Typing into the user's terminal. */
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (ioctl), 1,
                               SCMP_A1 (SCMP_CMP_MASKED_EQ, 0xffffffffu, 0x5412 /* TIOCSTI */));
  return result;
}

static gboolean
enter_seccomp (GError **error)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int result;

  if (filter == NULL)
    {
      errno = ENOMEM;
      return fail (error, "seccomp_init");
    }
  result = deny_calls (filter);
  if (result == 0)
    result = deny_processes (filter);
  if (result == 0)
    result = seccomp_load (filter);
  seccomp_release (filter);
  if (result < 0)
    {
      errno = -result;
      return fail (error, "seccomp");
    }
  return TRUE;
}

static gboolean
has_one_thread (void)
{
  g_autoptr (GDir) threads = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  if (threads == NULL)
    return TRUE;
  while (g_dir_read_name (threads) != NULL)
    n++;
  return n == 1;
}

gboolean
fw_sandbox_enter (const char *const *readable, const char *const *writable, GError **error)
{
  /* A thread that is there already would stay outside. AddressSanitizer may have its own. */
  if (!UNDER_ADDRESS_SANITIZER && !has_one_thread ())
    {
      errno = EBUSY;
      return fail (error, "threads");
    }
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail (error, "no_new_privs");
  return enter_landlock (readable, writable, error) && enter_seccomp (error);
}

/* The machine's memory, or the container's where that is less. */
static guint64
machine_memory (void)
{
  g_autofree char *text = NULL;
  guint64 bytes = (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE);

  if (g_file_get_contents ("/sys/fs/cgroup/memory.max", &text, NULL, NULL))
    {
      guint64 limit = g_ascii_strtoull (text, NULL, 10);

      if (limit > 0 && limit < bytes)
        bytes = limit;
    }
  return bytes;
}

/* What counts against RLIMIT_DATA. */
static guint64
used_memory (void)
{
  g_autofree char *text = NULL;
  const char *line = NULL;

  if (g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    line = strstr (text, "\nVmData:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nVmData:"), NULL, 10) * 1024 : 0;
}

gboolean
fw_sandbox_limit_memory (guint64 bytes, GError **error)
{
  struct rlimit none = { 0, 0 };
  struct rlimit limit;

  if (setrlimit (RLIMIT_CORE, &none) != 0)
    g_debug ("RLIMIT_CORE: %s", g_strerror (errno));
  if (UNDER_ADDRESS_SANITIZER)
    return TRUE;

  if (bytes == 0)
    bytes = machine_memory () / 4 * 3;
  if (bytes < used_memory () + MEMORY_TO_START)
    {
      g_autofree char *size = g_format_size (bytes);

      g_set_error (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                   _ ("%s of memory are too little to start with."), size);
      return FALSE;
    }
  if (getrlimit (RLIMIT_DATA, &limit) == 0)
    {
      limit.rlim_cur = MIN ((guint64) limit.rlim_max, bytes);
      limit.rlim_max = limit.rlim_cur;
      if (setrlimit (RLIMIT_DATA, &limit) != 0)
        g_message ("The memory could not be limited: %s", g_strerror (errno));
    }
  return TRUE;
}

const char *const *
fw_sandbox_get_system_paths (void)
{
  static const char *const paths[] = {
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl/openssl.cnf",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    FW_PKGLIB_DIR,
    FW_PKGDATA_DIR,
    FW_LOCALE_DIR,
    NULL,
  };

  return paths;
}
