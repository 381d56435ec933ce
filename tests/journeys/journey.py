# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the real window as a person would, on a display and a session bus of its own.

A journey is a script that calls run() with its cases. It looks at the window through the
accessibility tree, and works it with that tree, with keys and with the pointer. Every wait is for
something to happen, up to a limit; nothing sleeps and hopes.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

STEP_LIMIT = float(os.environ.get("FEATHERWEIGHT_STEP_LIMIT", "60"))
JOB_LIMIT = 3 * STEP_LIMIT
SCREEN = (1600, 1000)
SIZE = (960, 760)
# Without a compositor the window has a border of 5 pixels around its least width of 360.
NARROW = (370, 650)
TOOLS = ("Xvfb", "dbus-daemon", "xdotool", "import")

Atspi = None
GLib = None


class Failure(Exception):
    """What was expected did not happen."""


def die_with_parent():
    """Children end when this script is killed, whoever kills it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def eventually(what, check, limit=None):
    """What CHECK returns as soon as that is true."""
    limit = limit or STEP_LIMIT
    end = time.monotonic() + limit
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"waited {limit:.0f} s for {what}")
        time.sleep(0.05)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def is_running(process):
    with contextlib.suppress(OSError):
        stat = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2]
        return stat.split()[0] != "Z"
    return False


def megabytes(words):
    """The first size in WORDS that the window shows."""
    number, unit = re.search(r"([0-9.]+) (kB|MB)", words).groups()
    return float(number) / (1000 if unit == "kB" else 1)


def plain(words):
    """WORDS with spaces that break."""
    return words.replace("\u00a0", " ").replace("\u202f", " ")


def matches(name, text):
    """NAME is words that TEXT has in it, or a compiled pattern."""
    return name in text if isinstance(name, str) else name.search(text)


class Node:
    """A widget as assistive technologies see it."""

    def __init__(self, accessible):
        self.accessible = accessible

    def __repr__(self):
        return f"{self.role} “{self.name}”"

    @property
    def role(self):
        return self.accessible.get_role_name()

    @property
    def name(self):
        return plain(self.accessible.get_name() or "")

    def has(self, state):
        return self.accessible.get_state_set().contains(getattr(Atspi.StateType, state))

    def children(self):
        for i in range(self.accessible.get_child_count()):
            child = self.accessible.get_child_at_index(i)
            if child is not None:
                yield Node(child)

    def all(self):
        """This widget and all below it, from top to bottom. Pages that are not in front are not
        there."""
        yield self
        for child in self.children():
            with contextlib.suppress(GLib.Error):
                yield from child.all()

    def all_text(self):
        """Every word that is said here and below."""
        return "\n".join(node.name or node.text for node in self.all())

    def click(self):
        action = self.accessible.get_action_iface()
        if action is None or action.get_n_actions() == 0:
            raise Failure(f"{self} cannot be clicked")
        action.do_action(0)

    @property
    def value(self):
        return self.accessible.get_value_iface().get_current_value()

    @value.setter
    def value(self, number):
        self.accessible.get_value_iface().set_current_value(number)

    @property
    def text(self):
        interface = self.accessible.get_text_iface()
        if interface is None:
            return ""
        return plain(interface.get_text(0, interface.get_character_count()))

    @text.setter
    def text(self, words):
        if not self.accessible.get_editable_text_iface().set_text_contents(words):
            raise Failure(f"{self} takes no text")


class Journey:
    """A display, a session bus, folders of the user's own, and the window on them."""

    def __init__(self, name):
        self.name = name
        self.program = pathlib.Path(os.environ["FEATHERWEIGHT"])
        self.cli = pathlib.Path(os.environ["FEATHERWEIGHT_CLI"])
        self.drag_source = os.environ["FEATHERWEIGHT_DRAG_SOURCE"]
        self.sample = pathlib.Path(os.environ["FEATHERWEIGHT_SAMPLE"])
        self.pictures_folder = pathlib.Path(os.environ["FEATHERWEIGHT_SCREENSHOTS"]) / name
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="featherweight-journey-"))
        self.helpers = []
        self.window = None
        self.log = None
        self.shots = 0

    # The surroundings.

    def start(self):
        shutil.rmtree(self.pictures_folder, ignore_errors=True)
        self.pictures_folder.mkdir(parents=True)
        self.log = (self.pictures_folder / "window.log").open("w+b")
        self.set_environment()
        self.start_display()
        self.start_bus()
        self.load_accessibility()

    def set_environment(self):
        for variable in ("WAYLAND_DISPLAY", "GTK_A11Y", "GTK_THEME", "NO_AT_BRIDGE", "GTK_MODULES",
                         "AT_SPI_BUS_ADDRESS", "G_DEBUG", "MALLOC_CHECK_", "DESKTOP_SESSION"):
            os.environ.pop(variable, None)
        os.environ.update(GSK_RENDERER="cairo", GDK_BACKEND="x11", LC_ALL="C.UTF-8",
                          GSETTINGS_BACKEND="keyfile", HOME=str(self.home))
        for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(self.home / kind.lower())
        os.environ["XDG_RUNTIME_DIR"] = str(self.home / "run")
        (self.home / "run").mkdir(mode=0o700)

    def start_display(self):
        reading, writing = os.pipe()
        self.helpers.append(subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "%dx%dx24" % SCREEN, "-noreset",
             "-nolisten", "tcp"],
            pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=die_with_parent))
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise Failure("Xvfb did not start")
        os.environ["DISPLAY"] = ":" + number

    def start_bus(self):
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent, text=True)
        self.helpers.append(bus)
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()

    @staticmethod
    def load_accessibility():
        global Atspi, GLib
        import gi
        gi.require_version("Atspi", "2.0")
        from gi.repository import Atspi as accessibility, GLib as glib
        Atspi, GLib = accessibility, glib
        Atspi.init()
        Atspi.set_timeout(10000, 30000)

    def stop(self):
        self.end_window()
        for helper in reversed(self.helpers):
            helper.kill()
            helper.wait()
        if self.log is not None:
            self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # Files to work with.

    def copy_sample(self, count=24):
        """Copies of the sample model and of COUNT of its pictures, as little work for the engine."""
        folder = self.home / "mine"
        pictures = folder / "pictures"
        pictures.mkdir(parents=True)
        model = folder / "fruit.onnx"
        shutil.copy(self.sample / "model.onnx", model)
        shutil.copy(self.sample / "labels.txt", folder)
        everything = sorted((self.sample / "pictures").glob("*.jpg"))
        for picture in everything[::len(everything) // count][:count]:
            shutil.copy(picture, pictures)
        return model, pictures

    # The window.

    def open(self, *arguments, environment=None):
        self.window = subprocess.Popen(
            [self.program, *map(str, arguments)], env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=die_with_parent)
        self.wait("frame", "")
        self.xid = self.find_window(self.window.pid)
        self.focus()

    def focus(self, xid=None):
        """There is no window manager that would do it."""
        self.xdotool("windowfocus", "--sync", xid or self.xid)

    def resize(self, width, height):
        self.xdotool("windowsize", self.xid, width, height)
        eventually(f"the window to become {width} wide", lambda: 0 <= width - self.width() <= 20)

    def width(self):
        frame = self.wait("frame")
        return frame.accessible.get_component_iface().get_extents(Atspi.CoordType.WINDOW).width

    def end_window(self, how=signal.SIGKILL):
        """Ends the window, if it is there, and returns its status."""
        if self.window is None:
            return None
        if self.window.poll() is None:
            self.window.send_signal(how)
        try:
            return self.window.wait(STEP_LIMIT)
        except subprocess.TimeoutExpired:
            self.window.kill()
            self.window.wait()
            raise Failure("the window did not end") from None
        finally:
            self.window = None

    def close(self):
        """As with the keys: nothing is asked."""
        self.key("ctrl+q")
        if self.end_window(0) != 0:
            raise Failure("the window did not end well")

    def find_window(self, pid):
        return eventually(f"a window of process {pid}", lambda: self.windows(pid))[-1]

    def windows(self, pid=None):
        """What the display shows of a process, by default of the window's."""
        found = subprocess.run(["xdotool", "search", "--all", "--onlyvisible", "--pid",
                                str(pid or self.window.pid), "--name", ".*"],
                               capture_output=True, text=True, timeout=STEP_LIMIT)
        return found.stdout.split()

    def log_text(self):
        """All that the window has said on its error output."""
        return (self.pictures_folder / "window.log").read_text(errors="replace")

    def complaints(self):
        """What the toolkit found wrong with the window so far."""
        return [line for line in self.log_text().splitlines() if re.search(r"-(CRITICAL|ERROR) \*\*", line)]

    # The command line, on the same history.

    def run_cli(self, *arguments):
        """The result of a command, as the last JSON object that it says."""
        done = subprocess.run([self.cli, *map(str, arguments), "--json"], capture_output=True,
                              text=True, timeout=JOB_LIMIT)
        if done.returncode != 0:
            raise Failure(f"{arguments}: {done.stdout[-500:]} {done.stderr[-500:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def versions(self):
        """What the history lists; every file of a version must be there and be what it says."""
        versions = self.run_cli("history", "list")["versions"]
        for version in versions:
            found = sha256(version["file"])
            if found != version["sha256"]:
                raise Failure(f"version {version['number']} has another content: {found}")
        return versions

    # The worker.

    def workers(self):
        """Processes below the window's, as (process, command line)."""
        parents, commands = {}, {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    if stat[0] != "Z":
                        parents[int(entry.name)] = int(stat[1])
                        commands[int(entry.name)] = (entry / "cmdline").read_text().split("\0")
        below = [self.window.pid]
        for process in below:
            below.extend(child for child, parent in parents.items() if parent == process)
        return [(process, commands[process]) for process in below[1:]]

    # Looking.

    def application(self):
        GLib.MainContext.default().iteration(False)
        desktop = Atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            with contextlib.suppress(GLib.Error):
                application = desktop.get_child_at_index(i)
                if application is not None and application.get_process_id() == self.window.pid:
                    application.set_cache_mask(Atspi.Cache.NONE)
                    return Node(application)
        return None

    def find_all(self, role, name, *states):
        """What is on the page with ROLE, or any if empty, whose name or text matches NAME."""
        found = []
        with contextlib.suppress(GLib.Error):
            application = self.application()
            for node in application.all() if application is not None else ():
                with contextlib.suppress(GLib.Error):
                    if role in ("", node.role) and all(node.has(state) for state in states) \
                            and (matches(name, node.name) or matches(name, node.text)):
                        found.append(node)
        return found

    def find(self, role, name="", *states):
        return next(iter(self.find_all(role, name, *states)), None)

    def wait(self, role, name="", *states, limit=None):
        def look():
            if self.window.poll() is not None:
                raise Failure(f"the window ended with {self.window.returncode}")
            return self.find(role, name, *states)
        return eventually(f"{role or 'anything'} “{name}” {' '.join(states)}", look, limit)

    def wait_gone(self, role, name="", limit=None):
        eventually(f"{role or 'anything'} “{name}” to go", lambda: not self.find(role, name), limit)

    def tree(self):
        """The accessible tree for people to read."""
        lines = []

        def describe(node, depth):
            with contextlib.suppress(GLib.Error):
                text = node.text
                note = f" = {text}" if text and text != node.name else ""
                # What only lays out the rest is of no interest.
                worth = note or node.name and not re.match("(Gtk|Adw|Fw)[A-Z]", node.name)
                if worth:
                    lines.append("  " * depth + f"{node}{note}")
                for child in node.children():
                    describe(child, depth + 1 if worth else depth)

        with contextlib.suppress(GLib.Error):
            application = self.application()
            if application is not None:
                describe(application, 0)
        return "\n".join(lines)

    def screenshot(self, name, size=SIZE):
        """Pictures are numbered, so that they tell the journey in order."""
        self.shots += 1
        path = self.pictures_folder / f"{self.shots:02}-{name}.png"
        # Pages slide in, and what was found in the tree may not be painted yet.
        time.sleep(0.4)
        subprocess.run(["import", "-silent", "-window", "root", "-crop", "%dx%d+0+0" % size,
                        "+repage", str(path)], check=True, timeout=STEP_LIMIT)

    def screenshots(self, name):
        """One as the window is, and one as narrow as it gets."""
        self.screenshot(name)
        self.resize(*NARROW)
        self.screenshot(name + "-narrow", NARROW)
        self.resize(*SIZE)

    # Acting.

    def click(self, role, name, *states):
        self.wait(role, name, "SENSITIVE", *states).click()

    def xdotool(self, *arguments):
        return subprocess.run(["xdotool", *map(str, arguments)], check=True, capture_output=True,
                              text=True, timeout=STEP_LIMIT).stdout

    def key(self, *keys):
        self.xdotool("key", "--delay", 20, *keys)

    def type(self, words):
        self.xdotool("type", "--delay", 5, words)

    def drop(self, *paths, at=(480, 400)):
        """Drags PATHS with the pointer from another program to a place in the window."""
        source = subprocess.Popen([self.drag_source, *map(str, paths)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=self.log, text=True,
                                  preexec_fn=die_with_parent)
        try:
            xid = self.find_window(source.pid)
            self.xdotool("windowmove", "--sync", xid, SCREEN[0] - 140, 20)
            self.drag((SCREEN[0] - 80, 80), at)
            said = source.stdout.readline().strip(), source.stdout.readline().strip()
            if said != ("begin", "end"):
                raise Failure(f"the drag went {said}")
        finally:
            source.kill()
            source.wait()

    def save(self, path):
        """Saves the version that the slider is at."""
        self.click("push button", "Save…")
        self.choose_file(path, "Save")

    def choose_file(self, path, button):
        """Writes PATH into the dialog that asks for a name, and agrees."""
        self.wait("text", "Name:").text = str(path)
        eventually("the name to be taken", lambda: self.wait("text", "Name:").text == str(path))
        dialogs = self.windows()
        self.click("push button", re.compile(rf"{button}$"))
        # GTK 4.8 may crash when it is asked about a dialog that is being taken down.
        eventually("the dialog to close", lambda: len(self.windows()) < len(dialogs))

    def drag(self, start, end):
        self.xdotool("mousemove", "--sync", *start, "mousedown", 1)
        for step in range(1, 13):
            self.xdotool("mousemove", "--sync",
                         round(start[0] + (end[0] - start[0]) * step / 12),
                         round(start[1] + (end[1] - start[1]) * step / 12))
            time.sleep(0.03)
        # The target answers each move; the last answer is what the drop goes by.
        time.sleep(0.3)
        self.xdotool("mouseup", 1)


def missing():
    """What these tests need and this computer does not have."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            return tool
    try:
        import gi
        gi.require_version("Atspi", "2.0")
    except (ImportError, ValueError):
        return "the bindings of at-spi"
    return None


def report_failure(journey):
    for line in traceback.format_exc().splitlines():
        print("# " + line)
    if journey.window is None:
        return
    with contextlib.suppress(Exception):
        journey.screenshot("failure")
    with contextlib.suppress(Exception):
        for line in journey.tree().splitlines():
            print("# " + line)


def run(name, *cases):
    """Takes CASES, functions of the journey, one after the other; the first that fails ends it."""
    print(f"1..{len(cases)}", flush=True)
    lacking = missing()
    journey = None if lacking else Journey(name)
    failed = False
    try:
        if journey is not None:
            journey.start()
        for number, case in enumerate(cases, 1):
            title = case.__name__.replace("_", " ")
            if lacking:
                print(f"ok {number} {title} # SKIP {lacking} is missing")
                continue
            if failed:
                print(f"ok {number} {title} # SKIP the case before failed")
                continue
            try:
                skipped = case(journey)
                if journey.complaints():
                    raise Failure("; ".join(journey.complaints()))
                print(f"ok {number} {title}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
            except Exception:
                failed = True
                report_failure(journey)
                print(f"not ok {number} {title}", flush=True)
    finally:
        if journey is not None:
            journey.stop()
    sys.exit(1 if failed else 0)
