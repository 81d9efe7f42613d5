# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil

import pytest

from elsewhere import GOOD
from harness import BUILD
from pair import HOSTS, serve
from parallel import FULL, N_PARALLEL, ROUNDS
from stores import DEFAULT, PAIR, close_shared
from unruly import BAD, CONF, SHORT


def pytest_configure(config):
    config.addinivalue_line("markers", "core: what must work on every pair of stores in make check")
    config.addinivalue_line("markers", "stores(*names, reason): needs these under the server")
    config.addinivalue_line("markers", "own_stores: brings its stores along, so one run is enough")
    config.addinivalue_line("markers", "one_host(reason): not for a pair behind a balancer")


def skip_on_a_pair(reason):
    return pytest.mark.skip(reason=f"not on a pair: {reason}")


def pytest_collection_modifyitems(items):
    """A test that needs other stores or hosts than are under it is skipped, and says so."""
    for item in items:
        for mark in item.iter_markers("stores"):
            if not set(mark.args) <= set(PAIR.split("+")):
                item.add_marker(pytest.mark.skip(reason=f"not on {PAIR}: {mark.kwargs['reason']}"))
        if item.get_closest_marker("own_stores") and (PAIR != DEFAULT or HOSTS != 1):
            item.add_marker(pytest.mark.skip(reason=f"not on {PAIR}: it brings stores of its own"))
        for mark in item.iter_markers("one_host"):
            if HOSTS != 1:
                item.add_marker(skip_on_a_pair(*mark.args, **mark.kwargs))


def pytest_unconfigure():
    close_shared()


@pytest.fixture(scope="module", params=[1, 2], ids=["1worker", "2workers"])
def server(request):
    """A server that the tests of one file share; each test brings numbers of its own."""
    started = serve(workers=request.param).start()
    yield started
    started.close()


@pytest.fixture
def make_server():
    """Servers with options of their own, started and closed by the test."""
    made = []

    def make(*options, start=True, **kwargs):
        made.append(serve(options=options, **kwargs))
        return made[-1].start() if start else made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """The plugin folder with those of the tests in it, good and bad."""
    folder = tmp_path_factory.mktemp("plugins")
    for path in [*pathlib.Path(BUILD, "plugins").glob("*.so"), *BAD.glob("*.so"), *GOOD.glob("*.so")]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def make_unruly(make_server, plugins):
    """Servers whose two workers have the unruly plugin."""
    return lambda more="", options=SHORT: make_server(*options, workers=2, plugins=str(plugins),
                                                      conf={"90-unruly.ini": CONF + more})


@pytest.fixture
def unruly(make_unruly):
    return make_unruly()


def printed_by(report):
    """What a test said of its size, whatever process ran it; with -s it has been seen already."""
    return [line for line in report.capstdout.splitlines() if line.strip()]


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("sizes of the " + ("full" if FULL else "short") + " form")
    for report in terminalreporter.getreports("passed"):
        for line in printed_by(report):
            name = report.nodeid.rsplit("/", 1)[-1]
            terminalreporter.write_line(f"{name}, {report.duration:.1f} s: {line}")
    terminalreporter.write_line("load average of this machine: %.1f, %.1f, %.1f" % os.getloadavg())
    terminalreporter.write_line(f"stores: {PAIR}, hosts: {HOSTS}")
    terminalreporter.write_line(f"races: {ROUNDS} rounds of {N_PARALLEL} requests released at once"
                                + ("" if FULL else "; PINTLE_FULL=1 makes it 100 rounds"))
