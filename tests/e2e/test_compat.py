# SPDX-License-Identifier: Apache-2.0
"""A plugin built with the headers of an earlier release, on the host of today."""
import os
import pathlib
import shutil
import subprocess

import pytest

import harness

ROOT = pathlib.Path(harness.ROOT)
BUILD = pathlib.Path(harness.BUILD).resolve()
RELEASES = sorted(path for path in (ROOT / "tests/compat").iterdir() if path.is_dir())


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.name)
def release(request):
    return request.param


@pytest.fixture(scope="module")
def plugins(release, tmp_path_factory):
    """A plugin folder with the old plugin beside those of today."""
    folder = tmp_path_factory.mktemp("plugins")
    for path in (BUILD / "plugins").glob("*.so"):
        shutil.copy(path, folder)
    sanitizers = [f"-fsanitize={name}" for name in ("address", "thread") if _is_built_with(name)]
    command = ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Werror", *sanitizers,
               "-fPIC", "-shared", "-fvisibility=hidden", "-I", str(release / "include"),
               "-H", "-o", str(folder / "greeting.so"), str(release / "greeting.c")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    used = [line.split()[-1] for line in done.stderr.splitlines() if "/pintle/" in line]
    assert used and all(path.startswith(str(release)) for path in used), used
    os.chmod(folder / "greeting.so", 0o755)
    os.chmod(folder, 0o755)
    return folder


def _is_built_with(sanitizer):
    symbols = subprocess.run(["nm", "-D", str(BUILD / "pintled")], capture_output=True, text=True, timeout=60)
    return {"address": "__asan_init", "thread": "__tsan_init"}[sanitizer] in symbols.stdout


@pytest.fixture(scope="module")
def server(release, plugins):
    section = (release / "50-greeting.ini").read_text(encoding="utf-8")
    server = harness.Server(workers=2, conf={"50-greeting.ini": section}, plugins=str(plugins)).start()
    yield server
    server.close()


def test_it_keeps_the_rules(release, plugins):
    done = subprocess.run([BUILD / "pintle-check", "--cases", release / "cases", plugins / "greeting.so"],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout.splitlines()[-1], done.stdout


def signed_in(server, phone):
    client = server.client()
    n_before = len(server.codes_for(phone, "login"))
    flow = client.ok("POST", "/api/v1/auth/greeting/begin", {"phone": phone})["flow_id"]
    word = server.code_for(phone, "login", n_before)
    data = client.ok("POST", "/api/v1/auth/greeting/verify", {"flow_id": flow, "code": word})
    return client.use(data["access_token"]), data


def test_it_signs_people_in(server):
    phone = harness.new_phone()
    _, first = signed_in(server, phone)
    server.shift_clock(61_000)
    _, second = signed_in(server, phone)

    assert [first["is_new_user"], second["is_new_user"]] == [True, False]
    assert first["user"]["uuid"] == second["user"]["uuid"]


def test_it_refuses_a_wrong_word(server):
    client = server.client()
    flow = client.ok("POST", "/api/v1/auth/greeting/begin", {"phone": harness.new_phone()})["flow_id"]

    client.refused(401, "invalid_code", "POST", "/api/v1/auth/greeting/verify",
                   {"flow_id": flow, "code": "0000000x"})
    client.refused(422, "field_invalid", "POST", "/api/v1/auth/greeting/verify", {"flow_id": flow})


def test_its_own_route_answers(server):
    client, _ = signed_in(server, harness.new_phone())

    assert client.ok("GET", "/api/v1/greeting/Ada") == {"greeting": "good day Ada!", "identities": 1}
    server.client().refused(401, "unauthorized", "GET", "/api/v1/greeting/Ada")
