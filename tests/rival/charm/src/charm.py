#!/usr/bin/env python3
"""The actions of the charm rolling-ops, on the Python library."""

import json
import os
import time
from pathlib import Path

import ops
from charmlibs import pathops
from charmlibs.rollingops import OperationResult, RollingOpsManager

# Several units may share one file system, as they do on a simulated model.
STATE_DIR = Path(os.environ.get("ROLLINGOPS_STATE_DIR", "/var/lib/charm-rolling-ops-python"))


class RollingOpsCharm(ops.CharmBase):
    """Queues operations and runs them when the lock is granted."""

    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.manager = RollingOpsManager(
            self,
            callback_targets={
                "_restart": self._restart,
                "_failed_restart": self._failed_restart,
                "_deferred_restart": self._deferred_restart,
            },
            peer_relation_name="restart",
            base_dir=pathops.LocalPath(STATE_DIR / "library"),
        )
        framework.observe(self.on.start, self._on_start)
        framework.observe(self.on.restart_action, self._on_restart)
        framework.observe(self.on.failed_restart_action, self._on_failed_restart)
        framework.observe(self.on.deferred_restart_action, self._on_deferred_restart)

    def _on_start(self, _: ops.StartEvent) -> None:
        self.unit.status = ops.ActiveStatus()

    def _on_restart(self, event: ops.ActionEvent) -> None:
        self._request(event, "restart", "_restart")

    def _on_failed_restart(self, event: ops.ActionEvent) -> None:
        self._request(event, "failed-restart", "_failed_restart")

    def _on_deferred_restart(self, event: ops.ActionEvent) -> None:
        self._request(event, "deferred-restart", "_deferred_restart")

    def _request(self, event: ops.ActionEvent, action: str, operation: str) -> None:
        self._record(f"action:{action}")
        self.unit.status = ops.WaitingStatus(f"Awaiting {operation} operation")
        self.manager.request_async_lock(
            callback_id=operation,
            kwargs={"delay": event.params["delay"]},
            max_retry=event.params.get("max-retry"),
        )
        event.set_results({"queued": operation})

    def _restart(self, delay: float) -> OperationResult:
        self._run("_restart", delay)
        self.unit.status = ops.ActiveStatus()
        self._record("_restart:done")
        return OperationResult.RELEASE

    def _failed_restart(self, delay: float) -> OperationResult:
        self._run("_failed_restart", delay)
        self._record("_failed_restart:retry_release")
        return OperationResult.RETRY_RELEASE

    def _deferred_restart(self, delay: float) -> OperationResult:
        self._run("_deferred_restart", delay)
        self._record("_deferred_restart:retry_hold")
        return OperationResult.RETRY_HOLD

    def _run(self, operation: str, delay: float) -> None:
        self._record(f"{operation}:start")
        self.unit.status = ops.MaintenanceStatus(f"Executing {operation} operation")
        time.sleep(delay)

    def _record(self, event: str) -> None:
        STATE_DIR.mkdir(parents=True, exist_ok=True)
        line = {"ts": f"{time.time():.6f}", "unit": self.unit.name, "event": event}
        with open(STATE_DIR / "transitions.log", "a") as log:
            print(json.dumps(line), file=log)


if __name__ == "__main__":
    ops.main(RollingOpsCharm)
