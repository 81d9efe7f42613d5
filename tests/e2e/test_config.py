# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the configuration: one line says where, which key, why and what is right; nothing serves."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import BUILD, ROOT, Server
from starting import attempt, refusal
from stores import PAIR

# file 50-x.ini; the line that is wrong; what the refusal says besides.
MISTAKES = {
    "unknown key": ("[pool]\nthreads = 4\nqueu = 5\n", 3, "[pool] queu:", 'queue'),
    "unknown key of a plugin": ("[sms_http]\nurl = https://a.example/\nurll = x\n", 3,
                                "[sms_http] urll:", "url"),
    "missing key": ("[sms_http]\n", 1, "[sms_http] url:", "required|missing"),
    "number": ("[pool]\nthreads = many\n", 2, "[pool] threads:", "must be a whole number"),
    "number with a rest": ("[pool]\nthreads = 4x\n", 2, "[pool] threads:", "must be a whole number"),
    "number out of bounds": ("[pool]\nthreads = 513\n", 2, "[pool] threads:", "must be from 1 to 512"),
    "number over 64 bits": ("[pool]\nthreads = 18446744073709551617\n", 2, "[pool] threads:",
                            "must be a whole number"),
    "time without unit": ("[pool]\ncall_timeout = 10\n", 2, "[pool] call_timeout:", "500ms, 10s"),
    "time out of bounds": ("[pool]\ncall_timeout = 1ms\n", 2, "[pool] call_timeout:", "must be from"),
    "flag": ("[account]\nauto_register = maybe\n", 2, "[account] auto_register:", "must be yes or no"),
    "empty list": ("[account]\nuser_types =\n", 2, "[account] user_types:", "must have 1 to 64 items"),
    "list with a hole": ("[account]\nuser_types = a,,b\n", 2, "[account] user_types:", "empty item"),
    "section twice": ("[pool]\n[session]\n[pool]\n", 3, "[pool]:", "already stands in 50-x.ini:1"),
    "section of another file": ("[server]\n", 1, "[server]:", "already stands in 00-server.ini"),
    "key twice": ("[pool]\nqueue = 5\nqueue = 6\n", 3, "[pool] queue:", "already set in 50-x.ini:2"),
    "no such plugin": ("[nosuch]\n", 1, "[nosuch]:", "No such file"),
    "no such plugin, named": ("[mine]\nplugin = nosuch\n", 2, "[mine] plugin:", "No such file"),
    "plugin by path": ("[mine]\nplugin = ../password\n", 2, "[mine] plugin:", "a-z, 0-9, _"),
    "plugin by absolute path": ("[mine]\nplugin = /tmp/x.so\n", 2, "[mine] plugin:", "a-z, 0-9, _"),
    "reserved name": ("[login]\nplugin = password\n", 1, "[login]:", "host's own paths"),
    "two owners": ("[second]\nplugin = password\n", 1, "[second]:", "belong to [password] already"),
    "no section": ("queue = 5\n", 1, "", "before any [section]"),
    "no equals sign": ("[pool]\nqueue\n", 2, "", "missing '='"),
    "unclosed section": ("[pool\n", 1, "", "missing ']'"),
    "control character": ("[pool]\nqueue = 5\x01\n", 2, "", "control character"),
    "group without a name": ("[group]\nsenders = sms_log\n", 1, "[group]:", "needs a name"),
    "group of nobody": ("[group two]\nsenders = nobody\n", 2, "[group two] senders:", "no section"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_with_its_place(make_server, what):
    text, line, key, reason = MISTAKES[what]
    said = refusal(make_server(start=False, conf={"50-x.ini": text}))
    assert said.startswith(f"50-x.ini:{line}:"), said
    assert key in said, said
    assert re.search(reason if "|" in reason else re.escape(reason), said), said


HELP = {
    "[pool]\nthreads = 0\n": "Requests a worker runs at once.",
    "[sms_http]\n": "Where messages go",
    "[session]\nmax_app = 0\n": "Sessions an account may have in apps",
}


@pytest.mark.parametrize("text", HELP)
def test_a_mistake_comes_with_the_keys_help(make_server, text):
    assert HELP[text] in refusal(make_server(start=False, conf={"50-x.ini": text}))


def test_an_unknown_key_names_the_nearest(make_server):
    said = refusal(make_server("pool.thread=4", start=False))
    assert "threads" in said and "[pool] thread:" in said, said


# ---- No limit is switched off by a value (A70) ----

def check(server, option):
    """Status of pintled --check with one override more, and what it says."""
    done = subprocess.run([*server.command(), "-o", option, "--check"], capture_output=True, text=True,
                          timeout=30, cwd=server.folder, check=False)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def stopped():
    """A configuration that nobody serves."""
    server = Server()
    yield server
    shutil.rmtree(server.folder, ignore_errors=True)


# The sections of conf.d, with the stores under test; those of other plugins are checked by the same code.
SECTIONS = {kind + name: name for kind, name in zip(("db_", "kv_"), PAIR.split("+"))}
SERVED = ["server", "pool", "storage", "token", "session", "account", "limits", "keys", "log", "password",
          "phone_sms", *SECTIONS]


def bounds():
    """(section.key, lowest, highest) of every option that has them, from the manual."""
    text = pathlib.Path(ROOT, "docs", "configuration-reference.md").read_text(encoding="utf-8")
    for part in text.split("\n### ")[1:]:
        section = re.match(r"\[?(\w+)", part)[1]
        for key, low, high in re.findall(r"^\| `(\w+)` .* From (\S+) to (\S+)\. \|$", part, re.MULTILINE):
            if section in SERVED:
                yield f"{SECTIONS.get(section, section)}.{key}", low, high


BOUNDS = list(bounds())


def beyond(low, high):
    """Texts that no option with these bounds may take, and least of all as no bound at all."""
    unit = re.sub(r"\d", "", high)
    number = int(re.sub(r"\D", "", high))
    low_number = int(re.sub(r"\D", "", low))
    return [f"-1{unit}", f"{number + 1}{unit}", f"{2 ** 63}{unit}", "", "none",
            *([f"0{unit}"] if low_number > 0 else [])]


def test_the_manual_has_bounds():
    assert len(BOUNDS) > 40, BOUNDS


@pytest.mark.parametrize("option, low, high", BOUNDS, ids=[option for option, _, _ in BOUNDS])
def test_no_number_is_taken_beyond_its_bounds(stopped, option, low, high):
    """A70, for every number there is: refused with its key, never silently unlimited."""
    section, key = option.split(".")
    for value in beyond(low, high):
        status, said = check(stopped, f"{option}={value}")
        assert status == 1 and f"[{section}] {key}: " in said, (value, status, said)
    taken = [check(stopped, f"{option}={value}") for value in (high, low)]
    assert (0, "") in taken, taken  # one may disagree with another option, such as an end before another


# ---- -o ----

def test_overrides_are_checked_like_files(make_server):
    for option, said in {
            "pool.nosuch=1": "-o: [pool] nosuch:",
            "nosuch.key=1": "-o: [nosuch]:",
            "pool.threads=x": "-o: [pool] threads: must be a whole number",
            "server.listen=localhost": '-o: [server] listen: "localhost" is not ADDRESS:PORT',
            "token.jwt_secret=short": "-o: [token] jwt_secret:",
    }.items():
        line = refusal(make_server(option, start=False))
        assert line.startswith(said), line


def test_what_is_no_override_is_wrong_usage(make_server):
    for option in ("threads=4", "pool.threads"):
        done = attempt(make_server(option, start=False))
        assert (done.returncode, done.stdout) == (2, ""), done
        assert "SECTION.KEY=VALUE" in done.stderr


def test_an_override_wins_over_the_file(make_server):
    server = make_server("session.max_app=3", conf={"50-x.ini": "[session]\nmax_app = x\n"}, start=False)
    assert server.start().url


# ---- ${ENV} and @file ----

SECRET = "correct horse battery staple and more"


def test_a_variable_that_is_not_set(make_server):
    server = make_server(start=False, conf={"00-server.ini": "[token]\njwt_secret = ${PINTLE_TEST_JWT}\n"})
    line = refusal(server)
    assert line == "00-server.ini:2: [token] jwt_secret: the environment has no PINTLE_TEST_JWT", line
    done = attempt_with_secret(server)
    assert "ready http://127.0.0.1" in done


def attempt_with_secret(server):
    os.environ["PINTLE_TEST_JWT"] = SECRET
    try:
        return f"ready {server.start().url}"
    finally:
        del os.environ["PINTLE_TEST_JWT"]


def test_a_file_that_is_not_there(make_server):
    server = make_server(start=False, conf={"00-server.ini": "[token]\njwt_secret = @jwt.txt\n"})
    line = refusal(server)
    assert line.startswith("00-server.ini:2: [token] jwt_secret: ") and "jwt.txt" in line, line
    assert "No such file" in line
    secret = pathlib.Path(server.conf, "jwt.txt")
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    server.start()
    assert SECRET not in server.log()


@pytest.mark.parametrize("mode, is_told", [(0o644, True), (0o600, False)])
def test_a_secret_that_everybody_can_read(make_server, mode, is_told):
    """It is used, with a warning."""
    server = make_server(start=False, conf={"00-server.ini": "[token]\njwt_secret = @jwt.txt\n"})
    secret = pathlib.Path(server.conf, "jwt.txt")
    secret.write_text(SECRET + "\n")
    secret.chmod(mode)
    server.start()
    warning = "00-server.ini:2: [token] jwt_secret: everybody on this machine can read"
    assert (warning in server.log()) == is_told


def test_a_secret_too_short_is_not_shown(make_server):
    line = refusal(make_server("token.jwt_secret=hunter2", start=False))
    assert "hunter2" not in line and "32" in line, line


# ---- Where code may come from (A32) ----

@pytest.fixture
def plugins(tmp_path):
    folder = tmp_path / "plugins"
    shutil.copytree(pathlib.Path(BUILD, "plugins"), folder, ignore=lambda d, names: [
        name for name in names if not name.endswith(".so")])
    folder.chmod(0o755)
    return folder


def world_writable_file(folder):
    (folder / "password.so").chmod(0o757)


def group_writable_file(folder):
    (folder / "password.so").chmod(0o775)


def world_writable_folder(folder):
    folder.chmod(0o757)


def somebody_elses_file(folder):
    os.chown(folder / "password.so", 65534, 65534)


def somebody_elses_folder(folder):
    os.chown(folder, 65534, 65534)


def link_out_of_the_folder(folder):
    (folder / "password.so").rename(folder.parent / "password.so")
    (folder / "password.so").symlink_to(folder.parent / "password.so")


def a_fifo(folder):
    (folder / "password.so").unlink()
    os.mkfifo(folder / "password.so")


def a_folder(folder):
    (folder / "password.so").unlink()
    (folder / "password.so").mkdir()


def no_library(folder):
    (folder / "password.so").write_bytes(b"#!/bin/sh\n")


def cut_short(folder):
    os.truncate(folder / "password.so", 200)


UNSAFE = {
    world_writable_file: "others can write it", group_writable_file: "others can write it",
    world_writable_folder: "others can write it", somebody_elses_file: "neither root nor this user",
    somebody_elses_folder: "neither root nor this user", link_out_of_the_folder: "a link",
    a_fifo: "not a regular file", a_folder: "not a regular file", no_library: "file too short",
    cut_short: "plugin password.so: ",
}


@pytest.mark.parametrize("damage", UNSAFE, ids=lambda damage: damage.__name__)
def test_an_unsafe_plugin_is_refused(make_server, plugins, damage):
    if os.geteuid() != 0 and damage.__name__.startswith("somebody"):
        pytest.skip("only root can give files away")
    damage(plugins)
    line = refusal(make_server(start=False, plugins=str(plugins)))
    assert UNSAFE[damage] in line, line
    assert re.match(r"(10-storage|20-password)\.ini:\d+: \[\w+\]", line), line


def test_a_safe_copy_is_taken(make_server, plugins):
    make_server(plugins=str(plugins))


def test_the_folder_itself_may_be_no_link(make_server, plugins):
    link = plugins.parent / "link"
    link.symlink_to(plugins)
    assert "plugin folder" in refusal(make_server(start=False, plugins=str(link)))


# ---- Nothing half done ----

def test_a_refused_start_leaves_nothing_behind(make_server):
    server = make_server("pool.threads=0", start=False)
    refusal(server)
    left = sorted(path.name for path in pathlib.Path(server.folder).rglob("*") if path.is_file())
    assert "control.sock" not in left and not [name for name in left if name.endswith(".db")], left
    server.options.append("pool.threads=4")
    server.start()


def test_an_empty_folder_and_a_missing_one(make_server):
    server = make_server(start=False)
    shutil.rmtree(server.conf)
    assert "No such file" in refusal(server)
    os.mkdir(server.conf)
    assert "no file ends in .ini" in refusal(server)
