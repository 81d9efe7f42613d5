# SPDX-License-Identifier: Apache-2.0
"""The SDK as a third party gets it: installed, found by pkg-config, built against, loaded."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build")).resolve()
HEADERS = sorted((ROOT / "sdk/include/pintle").glob("*.h"))
LANGUAGES = {"c11": ["cc", "-x", "c", "-std=c11"], "c++17": ["c++", "-x", "c++", "-std=c++17"]}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """The environment of somebody who has installed pintle below a folder of their own."""
    root = tmp_path_factory.mktemp("root")
    run("make", "install", f"BUILD={BUILD}", f"DESTDIR={root}", cwd=ROOT)
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    env["PKG_CONFIG_SYSROOT_DIR"] = str(root)
    env["PKG_CONFIG_PATH"] = str(root / "usr/lib/pkgconfig")
    return root, env


@pytest.fixture(scope="module")
def template(sdk, tmp_path_factory):
    """The template, copied away from the tree and built with one command."""
    root, env = sdk
    folder = tmp_path_factory.mktemp("elsewhere") / "motto"
    shutil.copytree(root / "usr/share/pintle/template", folder)
    run("make", env=env, cwd=folder)
    return folder


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_each_header_stands_alone(header, language):
    source = f"#include <pintle/{header.name}>\nint main(void);\nint main(void) {{ return 0; }}\n"
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", ROOT / "sdk/include"]
    run(*LANGUAGES[language], *flags, "-", input=source)


def test_the_template_builds_out_of_tree(template):
    assert (template / "build/motto.so").is_file()


def test_the_template_exports_only_its_entry(template):
    symbols = run("nm", "-D", "--defined-only", str(template / "build/motto.so"))
    assert [line.split()[-1] for line in symbols.splitlines()] == ["pintle_plugin_entry"]


def test_the_makefile_of_the_template_is_three_lines(template):
    assert len((template / "Makefile").read_text().splitlines()) == 3


def test_the_template_installs_beside_the_plugins(sdk, template):
    root, env = sdk
    run("make", "install", env=env, cwd=template)
    assert (root / "usr/lib/pintle/plugins/motto.so").is_file()
    assert (root / "usr/lib/pintle/plugins/sms_log.so").is_file()
