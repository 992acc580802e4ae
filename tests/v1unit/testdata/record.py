"""Record what the Python charm library rolling_ops v1 does where our protocol decides otherwise.

    pip install 'ops[testing]'==3.9.0
    python record.py LIBRARY VECTORS OUTPUT

LIBRARY is the directory with v1's rollingops.py, VECTORS that of the recorded decisions, OUTPUT the file to write:
gzip'd JSON, for each record whose profile is "protocol" an object with its file and name and either "raises", the class
of the exception, or what the hook left: "app" and "unit" (the databags, of keys beginning with "rollingops-" none),
"ran" (callback, arguments, attempt) and "worker" (it was asked for). "alone" says that ops' testing has no such event.

The library runs as it is, but for three things: the clock, the process that it would start, and the order of its set of
units, which is any and here that of their names.
"""

import glob
import gzip
import json
import logging
import os
import sys
from datetime import datetime, timedelta

import ops
from ops import testing

logging.disable(logging.CRITICAL)
library, vectors, output = sys.argv[1:]
sys.path.insert(0, library)
import rollingops  # noqa: E402


class World:
    """One record and what happened in it."""

    def __init__(self, record):
        self.record = record
        self.now = datetime.fromisoformat(record["now"])
        self.reads = 0
        self.ran = []
        self.worker = False

    def read_clock(self):
        self.reads += 1
        return self.now + timedelta(milliseconds=self.reads - 1)


world = None


def in_order_of_names(self):
    for unit in sorted(self._units, key=lambda u: u.name):
        yield rollingops.Lock(self._model, self._relation_name, unit=unit)


def note_worker(self):
    world.worker = True


rollingops._now_timestamp = lambda: world.read_clock()
rollingops._now_timestamp_str = lambda: world.read_clock().isoformat()
rollingops.LockIterator.__iter__ = in_order_of_names
rollingops.RollingOpsAsyncWorker.start = note_worker


class Charm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        callbacks = {name: self.scripted(name, script) for name, script in world.record["callbacks"].items()}
        self.manager = rollingops.RollingOpsManagerV1(self, "restart", callbacks)
        framework.observe(self.on["request"].action, self.on_request)

    def scripted(self, name, script):
        left = list(script)

        def callback(**kwargs):
            text = self.model.get_relation("restart").data[self.unit]["operations"]
            world.ran.append([name, kwargs, rollingops.OperationQueue.from_string(text).peek().attempt])
            result = left.pop(0) if left else "release"
            if result == "raise":
                raise RuntimeError("scripted failure")
            return None if result == "none" else rollingops.OperationResult(result)

        return callback

    def on_request(self, _):
        event = world.record["event"]
        self.manager.request_async_lock(event["callback_id"], event["kwargs"], event["max_retry"])


def number(unit):
    return int(unit.split("/")[1])


def outcome(record):
    """Run one hook."""
    global world
    world = World(record)
    unit, event = record["unit"], record["event"]
    others = {number(name): bag for name, bag in record["unit_databags"].items() if name != unit}
    context = testing.Context(
        Charm,
        meta={"name": "rolling-ops", "peers": {"restart": {"interface": "rolling_op"}}},
        actions={"request": {}},
        app_name=unit.split("/")[0],
        unit_id=number(unit),
    )
    relation = testing.PeerRelation(
        "restart",
        interface="rolling_op",
        local_app_data=record["app_databag"],
        local_unit_data=record["unit_databags"][unit],
        peers_data=others,
    )
    has_relation = record.get("peer_relation", True)
    state = testing.State(leader=record["leader"], relations=[relation] if has_relation else [])
    departing = number(event["departing_unit"]) if "departing_unit" in event else None
    on = context.on
    if event["kind"] == "relation-changed" and not others:
        return {"alone": True}
    # The custom hook has update-status' handler.
    events = {
        "relation-changed": lambda: on.relation_changed(relation, remote_unit=next(iter(others))),
        "relation-departed": lambda: on.relation_departed(relation, remote_unit=departing, departing_unit=departing),
        "leader-elected": on.leader_elected,
        "update-status": on.update_status,
        "lock-granted": on.update_status,
        "action-request": lambda: on.action("request"),
    }
    try:
        after = context.run(events[event["kind"]](), state)
    except testing.errors.UncaughtCharmError as e:
        return {"raises": type(e.__cause__).__name__}
    bags = {"app": {}, "unit": {}}
    if has_relation:
        after = after.get_relation(relation.id)
        bags = {"app": after.local_app_data, "unit": after.local_unit_data}
    for name, bag in bags.items():
        bags[name] = {k: v for k, v in bag.items() if v != "" and not k.startswith("rollingops-")}
    return bags | {"ran": world.ran, "worker": world.worker}


def main():
    out = []
    for path in sorted(glob.glob(os.path.join(vectors, "*.json.gz"))):
        for record in json.load(gzip.open(path)):
            if record.get("profile") == "protocol":
                name = {"file": os.path.basename(path), "name": record["name"]}
                out.append(name | outcome(record))
    text = "[\n" + ",\n".join(json.dumps(o, sort_keys=True, separators=(",", ":")) for o in out) + "\n]\n"
    with open(output, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
        packed.write(text.encode())
    print(len(out), "records")


main()
