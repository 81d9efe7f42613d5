# SPDX-License-Identifier: Apache-2.0
"""The SDK as a third party gets it: installed, found by pkg-config, built against, loaded."""
import os
import pathlib
import shutil
import subprocess

import pytest

import harness

ROOT = pathlib.Path(harness.ROOT)
BUILD = pathlib.Path(harness.BUILD).resolve()
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


def test_the_template_passes_its_check(sdk, template):
    root, env = sdk
    output = run("make", "check", f"PINTLE_CHECK={root}/usr/bin/pintle-check", env=env, cwd=template)
    assert output.splitlines()[-1].endswith(" passed, 0 failed"), output


def test_the_check_of_the_template_can_fail(sdk, template, tmp_path):
    root, _ = sdk
    story = (template / "cases").read_text(encoding="utf-8").replace("expect denied", "expect ok")
    (tmp_path / "cases").write_text(story, encoding="utf-8")
    done = subprocess.run([root / "usr/bin/pintle-check", "--cases", tmp_path / "cases",
                           template / "build/motto.so"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "FAIL C02 " in done.stdout, done.stdout


@pytest.fixture(scope="module")
def installed(sdk, template):
    """The plugin folder with the template's plugin in it."""
    root, env = sdk
    run("make", "install", env=env, cwd=template)
    return root / "usr/lib/pintle/plugins"


@pytest.fixture
def client(installed, template, make_server):
    section = (template / "50-motto.ini").read_text()
    return make_server(conf={"50-motto.ini": section}, plugins=str(installed)).client()


def test_the_template_signs_people_in(client):
    url = "/api/v1/auth/motto/verify"
    answers = [client.ok("POST", url, {"name": name, "motto": "open sesame"})
               for name in ("ada", "ADA", "bob")]
    ids = [answer["user"]["uuid"] for answer in answers]

    assert [answer["is_new_user"] for answer in answers] == [True, False, True]
    assert ids[0] == ids[1] != ids[2]


def test_the_template_refuses(client):
    url = "/api/v1/auth/motto/verify"

    client.refused(401, "invalid_credentials", "POST", url, {"name": "ada", "motto": "open barley"})
    client.refused(422, "field_invalid", "POST", url, {"motto": "open sesame"})
    client.refused(422, "field_invalid", "POST", url, {"name": "ada"})


# ---- A gateway of somebody else ----

PIGEON = """
[group sms]
senders = broken, pigeon
[broken]
plugin = sms_http
url = http://127.0.0.1:9/
[pigeon]
file = {file}
"""


@pytest.fixture
def pigeon(sdk, tmp_path):
    """The plugin folder with a third party's gateway in it: the template's Makefile, another source."""
    root, env = sdk
    shutil.copy(ROOT / "tests/sdk/pigeon.c", tmp_path)
    makefile = (root / "usr/share/pintle/template/Makefile").read_text(encoding="utf-8")
    (tmp_path / "Makefile").write_text(makefile.replace("PLUGIN = motto", "PLUGIN = pigeon"), encoding="utf-8")
    run("make", env=env, cwd=tmp_path)
    run("make", "install", env=env, cwd=tmp_path)
    return root / "usr/lib/pintle/plugins"


def test_a_gateway_built_elsewhere_joins_a_group_by_configuration(pigeon, make_server, tmp_path):
    file, phone = tmp_path / "flown", harness.new_phone()
    server = make_server(conf={"40-messages.ini": PIGEON.format(file=file)}, plugins=str(pigeon))
    client = server.client()
    flow_id = client.ok("POST", "/api/v1/auth/send-sms-code", {"phone": phone})["flow_id"]
    to, code = harness.wait_for(lambda: file.exists() and file.read_text(), "the message").split()
    assert to == phone
    client.ok("POST", "/api/v1/auth/phone-login", {"phone": phone, "code": code, "flow_id": flow_id})
    assert {one["name"] for one in server.ctl("gateway", "status")} >= {"broken", "pigeon"}
    wanted = [("broken", "failed"), ("pigeon", "accepted")]
    harness.wait_for(lambda: server.stores.db.rows("SELECT gateway, result FROM message_logs ORDER BY id")
                     == wanted, "the message log")
