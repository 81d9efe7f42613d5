# SPDX-License-Identifier: Apache-2.0
"""pintlectl: every command, for people and for programs, and what it says when it cannot."""
import json
import os
import re
import subprocess

import pytest

from harness import BUILD, new_phone, send_code, sign_in, wait_for
from steps import rows

CTL = os.path.join(BUILD, "pintlectl")


def text(server, *args, status=0):
    """What a command prints for people; on failure what it says instead."""
    done = subprocess.run([CTL, "-s", server.state, *args], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == status, (args, done)
    assert (done.stderr if status == 0 else done.stdout) == "", (args, done)
    return done.stdout if status == 0 else done.stderr


def refused(server, *args):
    said = text(server, *args, status=1)
    assert said.startswith("pintlectl: ") and len(said.splitlines()) == 1, said
    return said


def bare(*args):
    return subprocess.run([CTL, *args], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("args", [
    [], ["nosuch"], ["user"], ["user", "nosuch"], ["user", "create"], ["user", "show"],
    ["user", "show", "a", "b"], ["provider"], ["provider", "resume"], ["status", "more"], ["explain"],
    ["session", "revoke"], ["--nosuch", "status"], ["-s"], ["key", "turn"], ["session", "revoke", "-x", "y"],
    ["session", "revoke", "x", "--nosuch"], ["user", "--nosuch"], ["status", *"abcdefgh"],
    ["store"], ["store", "copy"], ["store", "copy", "a"], ["store", "copy", "a", "b", "c"],
], ids=" ".join)
def test_wrong_usage(args):
    done = bare(*args)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "usage: pintlectl" in done.stderr


def test_help_and_version():
    done = bare("--help")
    assert done.returncode == 0 and "user freeze WHO" in done.stdout and done.stderr == ""
    done = bare("--version")
    assert done.returncode == 0 and re.fullmatch(r"pintlectl \d+\.\d+\.\d+\n", done.stdout), done


@pytest.mark.parametrize("args", [
    ["status"], ["reload"], ["stop"], ["provider", "list"], ["user", "show", "1"], ["outbox"],
    ["key", "rotate"], ["session", "revoke", "x"], ["routes"],
], ids=" ".join)
def test_no_server_running(tmp_path, args):
    for folder in (tmp_path, tmp_path / "missing"):
        done = bare("-s", str(folder), "--json", *args)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr == f"pintlectl: no pintled is running in {folder}\n"


def test_the_state_folder_may_come_from_the_environment(server):
    env = {**os.environ, "PINTLE_STATE": server.state}
    done = subprocess.run([CTL, "--json", "status"], capture_output=True, text=True, env=env, timeout=30,
                          check=True)
    assert json.loads(done.stdout)["pid"] == server.process.pid


def test_status(server):
    status = server.ctl("status")
    assert status["pid"] == server.process.pid
    assert sorted(w["pid"] for w in status["workers"]) == sorted(server.workers())
    assert {w["state"] for w in status["workers"]} == {"serving"}
    assert status["stores"] == {"db": True, "kv": True}
    said = text(server, "status")
    assert f"pid {server.process.pid}, generation {status['generation']}" in said
    assert "stores: db up, kv up" in said and "instance password: password" in said


def test_provider_list_and_resume(server):
    names = {p["name"] for p in server.ctl("provider", "list")}
    assert names == {"password", "phone_sms", "email"}, names
    assert re.search(r"^phone_sms +phone_sms +\S+ +serving$", text(server, "provider", "list"), re.M)
    assert text(server, "provider", "resume", "password") == ""
    assert "ot found" in refused(server, "provider", "resume", "nosuch")
    refused(server, "provider", "resume", "../status")


def test_reload(server):
    before = server.ctl("status")["generation"]
    assert text(server, "reload") == f"reloaded, generation {before + 1}\n"
    assert server.ctl("reload")["generation"] == before + 2
    assert "last reload: good" in text(server, "status")


def test_a_refused_reload_says_why(server):
    server.write_conf("99-bad.ini", "[session]\nmax_app = none\n")
    assert "99-bad.ini:2: [session] max_app: must be a whole number" in refused(server, "reload")
    assert "last reload: refused" in text(server, "status")
    os.unlink(os.path.join(server.conf, "99-bad.ini"))
    server.ctl("reload")


def test_an_account_from_create_to_unfreeze(server):
    phone, name = new_phone(), f"ops{os.getpid()}{new_phone()[-4:]}"
    made = server.ctl("user", "create", phone, name)
    assert {i["namespace"] for i in made["identities"]} == {"phone", "username"}
    number, uuid = made["profile"]["id"], made["profile"]["uuid"]
    for who in (phone, name, uuid, str(number)):
        assert server.ctl("user", "show", who)["profile"]["uuid"] == uuid, who
    said = text(server, "user", "show", phone)
    assert f"account {number}, uuid {uuid}, active" in said and "\nidentity phone " in said
    who = sign_in(server, phone)
    assert who.tokens["is_new_user"] is False
    assert "session " in text(server, "user", "show", phone)
    assert ", frozen" in text(server, "user", "freeze", phone)
    assert who.get("/api/v1/auth/check").status_code == 401
    assert server.ctl("user", "unfreeze", uuid)["profile"]["status"] == "active"
    assert who.get("/api/v1/auth/check").status_code == 401, "old tokens stay dead"
    server.shift_clock(61)
    sign_in(server, phone)
    server.shift_clock(0)


def test_what_is_no_account(server):
    phone = new_phone()
    server.ctl("user", "create", phone)
    for args in (["create", phone], ["create", "not an identifier"], ["show", new_phone()],
                 ["show", "999999999"], ["freeze", "nobody-of-that-name"], ["show", ""]):
        refused(server, "user", *args)


def test_session_revoke(server):
    who = sign_in(server)
    assert who.get("/api/v1/auth/check").status_code == 200
    assert text(server, "session", "revoke", who.tokens["session_id"]) == ""
    assert who.get("/api/v1/auth/check").status_code == 401
    who.refused(401, "invalid_token", "POST", "/api/v1/auth/refresh",
                {"refresh_token": who.tokens["refresh_token"]})
    assert "ot found" in refused(server, "session", "revoke", "nosuchsession")


# One session id in 64 begins with a dash; an options' letter may follow.
DASHED = ["-fpKBjSDAkiCHX5432fMYQ", "-hpKBjSDAkiCHX5432fMYQ", "-spKBjSDAkiCHX5432fMYQ", "--KBjSDAkiCHX5432fMYQA",
          "-", "--json"]


@pytest.mark.parametrize("argument", DASHED)
@pytest.mark.parametrize("words", [["session", "revoke"], ["user", "show"], ["user", "freeze"],
                                   ["provider", "resume"]], ids=" ".join)
def test_an_argument_may_begin_with_a_dash(server, words, argument):
    assert "ot found" in refused(server, *words, argument)
    assert "ot found" in refused(server, *words, "--", argument)


def test_a_session_whose_id_begins_with_a_dash(make_server):
    server = make_server()
    who = sign_in(server)
    dashed = "-s" + who.tokens["session_id"][2:]
    rows(server, "UPDATE user_sessions SET session_id = ? WHERE session_id = ?", dashed, who.tokens["session_id"])
    assert text(server, "session", "revoke", dashed) == ""
    assert rows(server, "SELECT status FROM user_sessions WHERE session_id = ?", dashed) == [("revoked",)]


def test_options_and_words_in_any_order(server):
    pid = server.process.pid
    for args in (["status", "--json", "-s", server.state], ["-s", server.state, "status", "--json"],
                 ["--json", "-s", server.state, "--", "status"], ["-s", server.state, "--json", "status", "--"]):
        done = bare(*args)
        assert done.returncode == 0 and json.loads(done.stdout)["pid"] == pid, (args, done)
    name = new_phone()
    made = bare("user", "create", name, "-s", server.state, "--json")
    assert made.returncode == 0 and json.loads(made.stdout)["profile"], made


def test_key_rotate(server):
    who = sign_in(server)
    kids = {key["kid"] for key in who.http.get(server.url + "/.well-known/jwks.json").json()["keys"]}
    kid = server.ctl("key", "rotate")["kid"]
    assert kid not in kids

    def published():
        keys = server.client().http.get(server.url + "/.well-known/jwks.json").json()["keys"]
        return {key["kid"] for key in keys}

    wait_for(lambda: published() >= kids | {kid}, "both keys to be published")
    assert who.get("/api/v1/auth/check").status_code == 200
    sign_in(server)
    assert re.fullmatch(r"new key \S+; it signs after its lead\n", text(server, "key", "rotate"))


def test_outbox_empty_and_filled(make_server):
    server = make_server()
    assert server.ctl("outbox") == []
    assert text(server, "outbox") == ""
    first, second = new_phone(), new_phone()
    _, code = send_code(server, server.client(), first)
    send_code(server, server.client(), second, "register")
    listed = server.ctl("outbox")
    assert [m["to"] for m in listed] == [second, first], "newest first"
    assert listed[1]["code"] == code and listed[1]["purpose"] == "login"
    assert {"to", "code", "purpose", "at"} <= set(listed[0])
    assert re.search(rf"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  \+86\d+ +login +{code}$",
                     text(server, "outbox"), re.M), text(server, "outbox")


def test_routes(server):
    routes = server.ctl("routes")
    assert {"method", "path", "permission", "summary", "instance", "control"} <= set(routes[0])
    said = text(server, "routes")
    assert len(said.splitlines()) == len(routes)
    assert re.search(r"^POST +/api/v1/auth/phone-login +", said, re.M)


SECTIONS = ["server", "pool", "storage", "token", "session", "account", "limits", "keys", "log", "group"]
PLUGINS = sorted(name[:-3] for name in os.listdir(os.path.join(BUILD, "plugins")) if name.endswith(".so"))


@pytest.mark.parametrize("name", SECTIONS + PLUGINS)
def test_explain(name):
    done = bare("explain", name)
    assert (done.returncode, done.stderr) == (0, ""), done
    options = re.findall(r"^(\w+) \((.+)\)\n\t(.+\.)$", done.stdout, re.M)
    assert options, done.stdout
    assert len(options) == done.stdout.count("\n\t"), "each option has type and help"
    assert ("In every section of a plugin:" in done.stdout) == (name in PLUGINS)


def test_explain_what_is_not_there():
    done = bare("explain", "nosuch")
    assert (done.returncode, done.stdout) == (1, "") and "nosuch.so" in done.stderr, done


def overrides(server):
    return [word for option in server.options for word in ("-o", option)]


def unstarted(make_server):
    server = make_server(start=False)
    open(server.log_path, "ab").close()
    return server


def test_check_good_and_bad(make_server):
    server = unstarted(make_server)
    good = bare("-c", server.conf, *overrides(server), "check")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", ""), good
    assert not os.path.exists(server.state), "a check writes nothing"
    bad = bare("-c", server.conf, *overrides(server), "-o", "pool.threads=0", "check")
    assert bad.returncode == 1 and "-o: [pool] threads: must be from 1" in bad.stderr, bad
    assert not os.path.exists(server.state)


def test_migrate(make_server):
    server = unstarted(make_server)
    for _ in range(2):
        done = bare("-c", server.conf, *overrides(server), "migrate")
        assert done.returncode == 0, done
    server.start()
    assert "applied" not in server.log(), "nothing was left to do"
    sign_in(server)


def test_stop(make_server):
    server = make_server()
    assert text(server, "stop") == ""
    assert server.process.wait(5) == 0
    assert "no pintled is running" in refused(server, "stop")
