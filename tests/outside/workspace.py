"""Where the controller works: folders with the example documents, a backend that holds what these refer to, and the programs."""

import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

import backends

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "manifests" / "examples"
# What may be waited for, in real seconds; a bring-up takes ten.
PATIENCE = 90


class Workspace:
    """The example documents of some deployments, adapted to a backend, and the controller on them."""

    def __init__(self, backend, processes, folder, documents):
        self.backend = backend
        self.processes = processes
        self.folder = folder
        self.environment = {**backends.KEYS, "AWS_ENDPOINT_URL": backend.endpoint, "AWS_REGION": backends.REGION}
        self.controller = None
        (folder / "specs").mkdir(parents=True)
        for name, changes in documents.items():
            text = (EXAMPLES / f"{name}.yaml").read_text()
            self.document(name).write_text(self._adapted(text))
            self.edit(name, changes)

    def document(self, name):
        return self.folder / "specs" / f"{name}.yaml"

    def _adapted(self, text):
        """The examples' network and certificate are examples; these are this backend's."""
        network = self.backend.network
        certificate = self.backend.client("acm").request_certificate(DomainName="example.com")["CertificateArn"]
        subnets = f"{network['subnet-a']}, {network['subnet-b']}"
        for known, here in ((r"vpc-0a1b\w+", network["vpc"]), (r"(?<=subnets: \[)[^\]]+", subnets),
                            (r"sg-0a1b\w+", network["group"]), (r"arn:aws:acm:[\w:/-]+", certificate)):
            text, count = re.subn(known, here, text)
            assert count, f"the example does not name {known}"
        return text

    def edit(self, name, changes):
        """Edits a document, as a person would: it is written beside and put in its workspace."""
        path = self.document(name)
        text = path.read_text()
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        beside = path.with_suffix(".tmp")
        beside.write_text(text)
        beside.rename(path)

    def start(self):
        self.port = port = backends.free_port()
        self.controller = self.processes.start(
            f"evenkeel-{self.backend.name}",
            [os.environ["EVENKEEL_BIN"], "run", *self._folders(), "--resync", "500ms", "--budget-share", "100", "--listen",
             f"127.0.0.1:{port}"], port, **self.environment)

    def stop(self):
        """Stops the controller as an orchestrator does; gives its exit code."""
        return self.processes.stop(self.controller)

    def metric(self, name):
        """The sum of a counter over all its labels, as the controller that runs now counts."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}(\{{|\s)", line))

    def passes(self, passes):
        """Waits for so many more passes."""
        wanted = self.metric("evenkeel_passes_total") + passes
        end = time.monotonic() + PATIENCE
        while self.metric("evenkeel_passes_total") < wanted:
            assert time.monotonic() < end, "the controller makes no passes any more"
            time.sleep(0.2)

    def _folders(self):
        return ["--store", f"file:{self.folder}/specs", "--state", f"file:{self.folder}/state"]

    def ctl(self, *arguments):
        """A command of ctl: its exit code and what it said."""
        done = subprocess.run([os.environ["CTL_BIN"], *arguments, *self._folders()], capture_output=True, text=True,
                              timeout=30, env={**self.environment, "HOME": str(self.folder)})
        return done.returncode, done.stdout + done.stderr

    def status(self, name):
        """The record of a deployment, or nothing yet."""
        _, text = self.ctl("status", "-o", "json")
        try:
            records = json.loads(text).get("items", [])
        except json.JSONDecodeError:
            return None
        return next((record for record in records if record["name"] == name), None)

    def until(self, name, done):
        """Reads a deployment's status until it is as it should be."""
        end = time.monotonic() + PATIENCE
        while True:
            status = self.status(name)
            if status and done(status):
                return status
            assert self.controller.poll() is None, "the controller ended by itself"
            if time.monotonic() > end:
                said = [self.ctl(command, name)[1] for command in ("status", "events")]
                raise AssertionError(f"{name} is not as it should be:\n" + "\n".join(said))
            time.sleep(0.4)

    def until_ready(self, name, generation):
        return self.until(name, lambda status: status["observedGeneration"] == generation and is_true(status, "Ready"))


def is_true(status, kind):
    return any(one["type"] == kind and one["status"] == "True" for one in status["conditions"])


def reason(status, kind="Ready"):
    return next(one["reason"] for one in status["conditions"] if one["type"] == kind)


def waits(status):
    """What a deployment waits on, as (resource, what, because or status)."""
    return [(one["resource"], one["on"]["on"], one["on"].get("because") or one["on"].get("status", ""))
            for one in status["waitingOn"]]


def seed(backend, clusters):
    """Makes what the examples expect to be there, by the list that the demo uses, for some clusters."""
    expected = json.loads((EXAMPLES / "aws-sim-world.json").read_text())
    for cluster in expected["clusters"]:
        if cluster["name"] in clusters:
            backend.client("ecs").create_cluster(clusterName=cluster["name"], capacityProviders=cluster["capacityProviders"])
    subnets = [backend.network["subnet-a"], backend.network["subnet-b"]]
    for balancer in expected["loadBalancers"]:
        if balancer["name"] in clusters:
            backend.client("elbv2").create_load_balancer(Name=balancer["name"], Subnets=subnets)
    for secret in expected["secrets"]:
        value = secret["value"] if isinstance(secret["value"], str) else json.dumps(secret["value"])
        backend.client("secretsmanager").create_secret(Name=secret["name"], SecretString=value)
