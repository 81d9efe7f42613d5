# SPDX-License-Identifier: Apache-2.0
"""The pages say what is: their commands run, their lists are complete, their links lead somewhere."""
import base64
import os
import re
import subprocess

import pytest

from harness import BUILD, OPENAPI, ROOT, Server

READMES = ["README.md", "README.zh-CN.md"]
DEFAULT_URL = "http://127.0.0.1:8080"
NOT_OURS = {".git", "build", "state", "__pycache__"}


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def pages():
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files if name.endswith(".md")]
    return sorted(found)


def commands(name):
    return re.findall(r"^```sh\n(.*?)^```", read(name), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server():
    started = Server(workers=2).start()
    yield started
    started.close()


def test_readme_lines_register_log_in_and_read_the_profile(server):
    script = "\n".join(block for block in commands("README.md") if "curl" in block)
    assert script.count(DEFAULT_URL) >= 4, script
    script = script.replace(DEFAULT_URL, server.url).replace("build/pintlectl", os.path.join(BUILD, "pintlectl"))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PINTLE_STATE": server.state})
    assert done.returncode == 0 and not done.stderr, f"{done.returncode}: {done.stderr}\n{done.stdout}"
    assert done.stdout.count('"success":true') == 3, done.stdout
    assert '"phone":"138****8000"' in done.stdout.splitlines()[-1], done.stdout


def test_both_readmes_have_the_same_commands():
    english, chinese = (commands(name) for name in READMES)
    assert english and english == chinese


def test_both_readmes_name_the_same_pages():
    english, chinese = (set(links(name)) - set(READMES) for name in READMES)
    assert english == chinese


def test_first_request_that_make_run_shows(server):
    lines = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, timeout=120,
                           check=True).stdout
    echoes = "\n".join(line for line in lines.splitlines() if line.startswith("echo "))
    shown = subprocess.run(["sh", "-c", echoes], capture_output=True, text=True, timeout=10, check=True).stdout
    request = "\n".join(line for line in shown.splitlines() if line.startswith("  ") and "pintlectl" not in line)
    done = subprocess.run(["sh", "-c", request.replace(DEFAULT_URL, server.url)], capture_output=True,
                          text=True, timeout=30, check=True)
    assert '"flow_id"' in done.stdout or '"rate_limited"' in done.stdout, f"{request}\n{done.stdout}"


def test_commands_of_pintlectl_exist():
    usage = subprocess.run([os.path.join(BUILD, "pintlectl"), "--help"], capture_output=True, text=True, timeout=10,
                           check=True).stdout
    known = set(re.findall(r"^  ([a-z]+)", usage, re.MULTILINE))
    named = {word for page in pages() for word in re.findall(r"pintlectl(?: -s \S+)? ([a-z]+)", read(page))}
    assert len(named) > 10 and named <= known, named - known


def test_check_reads_conf_d_of_this_folder():
    done = subprocess.run([os.path.join(BUILD, "pintlectl"), "check"], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def files_of(page):
    """{name: text} of the whole files of /etc/pintle/conf.d a page shows, their secrets in a folder of ours."""
    return dict(re.findall(r"^`/etc/pintle/conf\.d/([\w.-]+)`.*?^```ini\n(.*?)^```", read(page),
                           re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("redis", ["sentinel", "host"])
def test_check_reads_the_files_of_the_page_on_scaling(tmp_path, redis):
    files = files_of("docs/scaling.md")
    assert sorted(files) == ["00-server.ini", "10-storage.ini", "40-messages.ini"]
    if redis == "host":
        line = re.search(r"^Without Sentinel `(host = .*?)`", read("docs/scaling.md"), re.MULTILINE)[1]
        files["10-storage.ini"] = re.sub(r"^sentinel = .*\nmaster = .*$", line, files["10-storage.ini"],
                                         flags=re.MULTILINE)
        assert line in files["10-storage.ini"]
    for name in ("20-password.ini", "30-phone_sms.ini"):
        files[name] = read(f"conf.d/{name}")
    for name, text in files.items():
        for secret in re.findall(r"/etc/pintle/secrets/([\w.-]+)", text):
            key = base64.b64encode(32 * b"k").decode()
            tmp_path.joinpath(secret).write_text(f"k1:{key}" if secret == "keys" else key, encoding="ascii")
            tmp_path.joinpath(secret).chmod(0o600)
        folder = tmp_path / "conf.d"
        folder.mkdir(exist_ok=True)
        folder.joinpath(name).write_text(text.replace("/etc/pintle/secrets", str(tmp_path)), encoding="utf-8")
    done = subprocess.run([os.path.join(BUILD, "pintlectl"), "check", "-c", str(folder)], timeout=60,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "SMS_TOKEN": "a-token"}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_guide_shows_the_template_as_it_is():
    function = re.search(r"^static int32_t verify\(.*?^}\n", read("sdk/template/motto.c"), re.MULTILINE | re.DOTALL)
    assert function.group() in read("docs/plugins.md")


def test_reference_of_the_options_is_up_to_date():
    made = subprocess.run(["sh", "scripts/config_manual.sh", BUILD], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, check=True).stdout
    assert made == read("docs/configuration-reference.md"), \
        "sh scripts/config_manual.sh build > docs/configuration-reference.md"


def test_every_error_is_explained():
    listed = re.findall(r"^\| `([a-z_]+)` \| \d{3} \|", read("docs/http-api.md"), re.MULTILINE)
    assert sorted(listed) == sorted(OPENAPI["components"]["schemas"]["ErrorName"]["enum"])


def test_every_metric_is_listed(server):
    text = server.client().get("/metrics").text
    there = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    listed = set(re.findall(r"^\| `(pintle_[a-z_]+)`", read("docs/operations.md"), re.MULTILINE))
    assert listed == there


def test_every_limit_is_in_the_table_of_throttles():
    section = read("docs/configuration-reference.md").split("### [limits]")[1].split("###")[0]
    keys = set(re.findall(r"^\| `([a-z_]+)`", section, re.MULTILINE))
    throttles = read("docs/operations.md").split("## Limits")[1].split("\n## ")[0]
    assert keys and keys <= set(re.findall(r"`([a-z_]+)`", throttles)), \
        keys - set(re.findall(r"`([a-z_]+)`", throttles))


def test_every_file_named_by_internals_exists():
    named = set(re.findall(r"`((?:host|plugins|sdk|ctl|scripts|tests|docs)/[\w./-]+)`", read("docs/internals.md")))
    missing = [name for name in sorted(named) if not os.path.exists(os.path.join(ROOT, name))]
    assert len(named) > 20 and not missing, missing


def test_every_module_of_the_host_has_its_place():
    page = read("docs/internals.md")
    modules = {os.path.splitext(name)[0] for name in os.listdir(os.path.join(ROOT, "host"))
               if name.endswith((".c", ".h"))}
    missing = sorted(name for name in modules if f"`{name}`" not in page.split("## Map of the files")[1])
    assert not missing, f"docs/internals.md, map of the files: {missing}"


# ---- Links ----

def links(name):
    text = re.sub(r"^```.*?^```", "", read(name), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(name):
    titles = re.findall(r"^#+ (.*)$", read(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def is_there(page, link):
    path, _, anchor = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if not os.path.exists(os.path.join(ROOT, target)):
        return False
    return not anchor or anchor in anchors(target)


def test_every_link_leads_somewhere():
    assert len(pages()) > 10
    broken = [(page, link) for page in pages() for link in links(page) if not is_there(page, link)]
    assert not broken
