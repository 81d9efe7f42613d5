# SPDX-License-Identifier: Apache-2.0
"""Plugins that are not taken: a file that is not safe, a table that is not whole, a load or open that harms."""
import os
import shutil

import pytest

from harness import requests_over_socket, sign_in, wait_for
from starting import refusal
from unruly import CONF, misbehave

ENDED = "the plugin ended the check of the configuration in its"
AT_OPEN = {"segv": f"[unruly] {ENDED} open: Segmentation fault", "abort": f"[unruly] {ENDED} open: Aborted",
           "exit": f"[unruly] {ENDED} open: exit",
           "signals": "changes a signal handler", "locale": "changes the locale", "umask": "changes the umask"}


@pytest.mark.parametrize("how", AT_OPEN)
def test_a_reload_with_a_plugin_bad_at_open_changes_nothing(unruly, how):
    before = set(unruly.workers())
    unruly.write_conf("90-unruly.ini", CONF + f"at_open = {how}\n")
    done = unruly.ctl("reload", check=False)
    assert done.returncode == 1, done
    assert AT_OPEN[how] in done.stderr, done.stderr
    assert set(unruly.workers()) == before
    assert misbehave(unruly, "fine")[0] == 200
    unruly.write_conf("90-unruly.ini", CONF)
    unruly.ctl("reload")


@pytest.mark.parametrize("how", AT_OPEN)
def test_a_start_with_a_plugin_bad_at_open_is_refused(make_server, plugins, how):
    server = make_server(start=False, plugins=str(plugins),
                         conf={"90-unruly.ini": CONF + f"at_open = {how}\n"})
    assert AT_OPEN[how] in refusal(server)


def test_a_hang_at_open_holds_up_the_reload_only(unruly):
    unruly.write_conf("90-unruly.ini", CONF + "at_open = hang\n")
    requests_over_socket(os.path.join(unruly.state, "control.sock"), "POST", "/control/order",
                         {"order": "reload"})
    wait_for(lambda: len(unruly.workers()) == 3, "the checker")
    sign_in(unruly)
    assert misbehave(unruly, "fine")[0] == 200
    assert unruly.stop() == 0


AT_LOAD = {"wrong_abi": "it is built for ABI", "no_entry": "it has no pintle_plugin_entry",
           "null_entry": "it has no pintle_plugin_entry", "short_plugin": "the descriptor has a size of",
           "short_provider": "provider has a size of", "other_name": "it calls itself somebody_else",
           "no_verify": "it lacks provider.verify", "no_begin": "it lacks provider.begin",
           "bad_option": "option tries", "loads_signals": "loading it changes a signal handler",
           "loads_exit": f"[loads_exit] {ENDED} load: exit",
           "loads_segv": f"[loads_segv] {ENDED} load: Segmentation fault"}


@pytest.mark.parametrize("name", AT_LOAD)
def test_a_bad_plugin_is_refused_at_load(make_server, plugins, name):
    line = refusal(make_server(start=False, plugins=str(plugins), conf={"90-bad.ini": f"[{name}]\n"}))
    assert AT_LOAD[name] in line, line


def test_a_reload_refuses_each_bad_plugin(make_server, plugins):
    server = make_server(workers=2, plugins=str(plugins))
    before = set(server.workers())
    for name, reason in AT_LOAD.items():
        server.write_conf("90-bad.ini", f"[{name}]\n")
        done = server.ctl("reload", check=False)
        assert done.returncode == 1 and reason in done.stderr, (name, done)
        assert set(server.workers()) == before, name
    server.write_conf("90-bad.ini", "[well_behaved]\n")
    server.ctl("reload")
    sign_in(server)
    server.client().refused(401, "invalid_credentials", "POST", "/api/v1/auth/well_behaved/verify")


# ---- Files ----

NAME = "well_behaved"


@pytest.fixture
def folder(plugins, tmp_path):
    """A plugin folder of this test's own."""
    own = tmp_path / "plugins"
    shutil.copytree(plugins, own)
    own.chmod(0o755)
    return own


def outside(folder):
    """The good plugin, where no plugin is looked for."""
    return shutil.copy(folder / f"{NAME}.so", folder.parent)


def make_writable(folder):
    (folder / f"{NAME}.so").chmod(0o666)


def make_folder_writable(folder):
    folder.chmod(0o777)


def make_link_outside(folder):
    elsewhere = outside(folder)
    (folder / f"{NAME}.so").unlink()
    (folder / f"{NAME}.so").symlink_to(elsewhere)


def make_link_inside(folder):
    (folder / "kept.so").write_bytes((folder / f"{NAME}.so").read_bytes())
    (folder / f"{NAME}.so").unlink()
    (folder / f"{NAME}.so").symlink_to("kept.so")


def make_folder(folder):
    (folder / f"{NAME}.so").unlink()
    (folder / f"{NAME}.so").mkdir()


def make_pipe(folder):
    (folder / f"{NAME}.so").unlink()
    os.mkfifo(folder / f"{NAME}.so")


UNSAFE = {make_writable: "others can write it", make_folder_writable: "others can write it",
          make_link_outside: "a link", make_link_inside: "a link", make_folder: "not a regular file",
          make_pipe: "not a regular file"}


@pytest.mark.parametrize("spoil", UNSAFE, ids=lambda spoil: spoil.__name__)
def test_a_file_that_is_not_safe_is_not_loaded(make_server, folder, spoil):
    conf = {"90-own.ini": f"[{NAME}]\n"}
    make_server(plugins=str(folder), conf=conf).stop()
    spoil(folder)
    line = refusal(make_server(start=False, plugins=str(folder), conf=conf))
    assert UNSAFE[spoil] in line and ".ini:" in line, line


@pytest.mark.parametrize("name", ["../well_behaved", "/well_behaved", "well_behaved.so", ""])
def test_a_name_leads_nowhere_else(make_server, folder, name):
    outside(folder)
    line = refusal(make_server(start=False, plugins=str(folder),
                               conf={"90-own.ini": f"[mine]\nplugin = {name}\n"}))
    assert "90-own.ini:" in line, line
    make_server(plugins=str(folder), conf={"90-own.ini": f"[mine]\nplugin = {NAME}\n"})
