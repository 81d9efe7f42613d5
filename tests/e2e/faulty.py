# SPDX-License-Identifier: Apache-2.0
"""The faulty drivers of tests/bad_plugins: the real stores, failing and telling when a test says so."""
import itertools
import os

# Instead of the drivers of the default pair.
OPTIONS = ["sqlite.plugin=faulty_db", "lmdb.plugin=faulty_kv"]
MAX_OPS = 60  # more than any request needs

_numbers = itertools.count(1)


def _path(server):
    return os.path.join(server.state, "faults")


def fail(server, store, op, when, n):
    """Every n-th of these ops fails from now on; with n < 0 the -n-th alone."""
    fresh = _path(server) + ".new"
    with open(fresh, "w", encoding="ascii") as file:
        file.write(f"{next(_numbers)} {store} {op} {when} {n}\n")
    os.replace(fresh, _path(server))


def heal(server):
    """Whether the faults were still there: one that was to happen alone and has not."""
    try:
        os.unlink(_path(server))
        return True
    except FileNotFoundError:
        return False


# What workers do beside requests.
ASIDE = ("login_logs", "message_logs", "pintle_hosts", "disabled_gateways", " h:", " m:")


def ops_of(server, ask):
    """Every op of the stores while ask runs, but for what workers do beside requests."""
    path = os.path.join(server.state, "store_ops")
    open(path, "w", encoding="ascii").close()
    ask()
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    os.unlink(path)
    return [line for line in lines if not any(word in line for word in ASIDE)]


class OneFault:
    """What is asked inside meets one fault, if it comes as far as that op."""

    def __init__(self, server, store, when, n):
        self.server, self.store, self.when, self.n = server, store, when, n
        self.has_failed = False

    def __str__(self):
        return f"{self.when} op {self.n} of {self.store}"

    def __enter__(self):
        fail(self.server, self.store, "any", self.when, -self.n)

    def __exit__(self, *_):
        self.has_failed |= not heal(self.server)


def each_op_in_turn(server, stores=("db", "kv")):
    """A fault at the 1st, 2nd, … op of either store, before and after it is done, until none is left."""
    n_faults = 0
    for store in stores:
        for when in ("before", "after"):
            for n in range(1, MAX_OPS):
                fault = OneFault(server, store, when, n)
                yield fault
                if not fault.has_failed:
                    break
                n_faults += 1
            else:
                raise AssertionError(f"more than {MAX_OPS} ops of {store}")
    print(f"{n_faults} faults")
    assert n_faults > 0, "no fault reached the store"
