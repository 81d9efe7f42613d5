# SPDX-License-Identifier: Apache-2.0
"""Starts that must fail, and what they say."""
import pathlib
import subprocess


def attempt(server, env=None):
    """Runs the command of a server that was not started; the finished process."""
    done = subprocess.run(server.command(), capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL, cwd=server.folder, env=env, check=False)
    pathlib.Path(server.log_path).write_text(done.stderr, encoding="utf-8")
    return done


def refusal(server, env=None):
    """The one line that says why a start is refused."""
    done = attempt(server, env)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == "", done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("pintled: ")]
    assert len(lines) == 1, done.stderr
    return lines[0].removeprefix("pintled: ").replace(server.conf + "/", "")
