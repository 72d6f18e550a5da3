"""Plain JSON endpoints under /_control/, for tests that drive an EHR in another process.  No fault strikes them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from service.sandbox.store import Snapshot, Version, instant

if TYPE_CHECKING:
    from tests.ehr.running import Ehr


def add_control(app: Flask, ehr: Ehr) -> None:
    """Add the endpoints; what each takes and gives is in README.md."""
    snapshots: list[Snapshot] = []

    @app.post("/_control/load")
    def load() -> ResponseReturnValue:
        content = request.get_json()
        resources = content.get("resources") or [row["resource"] for row in content["entry"]]
        return jsonify(loaded=ehr.load(resources))

    @app.post("/_control/put")
    def put() -> ResponseReturnValue:
        return jsonify(ehr.store.put(request.get_json()).resource)

    @app.post("/_control/delete")
    def delete() -> ResponseReturnValue:
        type_, id_ = request.get_json()["reference"].split("/")
        return jsonify(deleted=ehr.store.delete(type_, id_) is not None)

    @app.route("/_control/faults", methods=["GET", "POST"])
    def faults() -> ResponseReturnValue:
        if request.method == "POST":
            content = request.get_json()
            if content.get("clear"):
                ehr.faults.clear()
            ehr.faults.seed = content.get("seed", ehr.faults.seed)
            for rule in content.get("rules", []):
                ehr.faults.add(**rule)
        return jsonify(rules=[asdict(rule) for rule in ehr.faults.rules()], struck=dict(ehr.faults.struck))

    @app.route("/_control/habits", methods=["GET", "POST"])
    def habits() -> ResponseReturnValue:
        if request.method == "POST":
            for name, value in request.get_json().items():
                setattr(ehr.habits, _known(name, ehr.habits), value)
        return jsonify(asdict(ehr.habits))

    @app.route("/_control/clock", methods=["GET", "POST"])
    def clock() -> ResponseReturnValue:
        if request.method == "POST":
            content = request.get_json()
            now = datetime.fromisoformat(content["now"]) if "now" in content else ehr.clock()
            ehr.clock.set(now + timedelta(seconds=content.get("advance_seconds", 0)))
        return jsonify(now=instant(ehr.clock()))

    @app.get("/_control/dump/<type_>")
    def dump(type_: str) -> ResponseReturnValue:
        histories = ehr.store.snapshot().histories
        found = {id_: history for (type_of, id_), history in histories.items() if type_of == type_}
        resources = [
            {"id": id_, "versions": [_told(each) for each in history]} for id_, history in found.items()
        ]
        return jsonify(resources=resources)

    @app.get("/_control/counts")
    def counts() -> ResponseReturnValue:
        type_ = request.args.get("type", "Task")
        attempts: dict[str, int] = {}
        for exchange in list(ehr.interactions.exchanges):
            for identifier in exchange.identifiers if exchange.path.startswith(type_) else ():
                attempts[identifier] = attempts.get(identifier, 0) + 1
        return jsonify(
            requests=dict(ehr.store.requests),
            attempts=attempts,
            creations=dict(ehr.creations(type_)),
            struck=dict(ehr.faults.struck),
        )

    @app.post("/_control/vanish")
    def vanish() -> ResponseReturnValue:
        content = request.get_json()
        return jsonify(vanished=ehr.vanish(content.get("type", "Task"), ids=content.get("ids")))

    @app.post("/_control/snapshot")
    def snapshot() -> ResponseReturnValue:
        snapshots.append(ehr.store.snapshot())
        return jsonify(snapshot=len(snapshots) - 1)

    @app.post("/_control/restore")
    def restore() -> ResponseReturnValue:
        ehr.store.restore(snapshots[request.get_json()["snapshot"]])
        return jsonify(restored=True)


def _told(version: Version) -> dict[str, Any]:
    return {"version": version.number, "updated": instant(version.updated), "resource": version.resource}


def _known(name: str, habits: object) -> str:
    if not hasattr(habits, name):
        raise ValueError(f"no such habit: {name}")
    return name
