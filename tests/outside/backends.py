"""the backends: aws-sim, moto and ministack, each started on a free port of 127.0.0.1 and stopped with the test run."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

import boto3
from botocore.config import Config

HERE = pathlib.Path(__file__).parent
REGION = "eu-west-1"
ACCOUNT = "123456789012"
# ministack takes the account from an access key that is twelve digits; the others take any key.
KEYS = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "simulated"}
# Simulated seconds per second in aws-sim.
SPEED = 30


@dataclass
class Backend:
    """One backend, and the ids of the network that its services are put into."""

    name: str
    endpoint: str
    # Seconds that something may take to settle; 0 where nothing ever moves by itself.
    patience: float
    network: dict = field(default_factory=dict)
    _clients: dict = field(default_factory=dict)

    def client(self, service):
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service, region_name=REGION, endpoint_url=self.endpoint, aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 1}, read_timeout=20, parameter_validation=False))
        return self._clients[service]

    def until(self, read, done):
        """Reads until it is done, or patience is over; gives what was seen last and whether it was done."""
        end = time.monotonic() + self.patience
        while True:
            seen = read()
            if done(seen):
                return seen, True
            if time.monotonic() > end:
                return seen, False
            time.sleep(0.1)


class Processes:
    """Children that do not outlive the test run."""

    def __init__(self, logs):
        self.logs = logs
        self._running = []

    def start(self, name, command, port=None, **environment):
        """Starts a program, in an environment that has nothing of this machine's; waits for its port."""
        plain = {"PATH": os.environ["PATH"], "HOME": str(self.logs), "PYTHONDONTWRITEBYTECODE": "1"}
        with (self.logs / f"{name}.log").open("w") as log:
            child = subprocess.Popen([str(part) for part in command], stdout=log, stderr=subprocess.STDOUT,
                                     env={**plain, **environment}, cwd=self.logs)
        self._running.append(child)
        if port:
            self._listening(name, child, port)
        return child

    def _listening(self, name, child, port):
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if child.poll() is not None or time.monotonic() > end:
                    said = (self.logs / f"{name}.log").read_text()
                    raise RuntimeError(f"{name} does not listen; it said:\n{said[-2000:]}") from None
                time.sleep(0.05)

    def stop(self, child):
        """Asks it to end; gives its exit code."""
        child.send_signal(signal.SIGTERM)
        try:
            return child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def stop_all(self):
        for child in reversed(self._running):
            child.kill()
        for child in self._running:
            child.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def aws_sim(processes):
    port = free_port()
    processes.start("aws-sim", [os.environ["AWS_SIM_BIN"], "--listen", f"127.0.0.1:{port}", "--speed", SPEED, "--seed", 7,
                                "--account", ACCOUNT], port)
    # It knows no networks: any subnet will do, and is in this VPC.
    network = {"vpc": "vpc-0a1b2c3d4e5f60718", "subnet-a": "subnet-0a1b2c3d4e5f61001",
               "subnet-b": "subnet-0a1b2c3d4e5f61002", "group": "sg-0a1b2c3d4e5f62001"}
    return Backend("aws-sim", f"http://127.0.0.1:{port}", 30, network)


def moto(processes, running=2):
    """moto keeps a record of services and runs nothing; `running` is what every service shows as its running count."""
    port = free_port()
    server = "from moto.server import main; main()"
    processes.start(f"moto-{running}", [sys.executable, "-c", server, "-H", "127.0.0.1", "-p", port], port,
                    MOTO_ECS_SERVICE_RUNNING=str(running))
    backend = Backend("moto", f"http://127.0.0.1:{port}", 0)
    backend.network = made_network(backend)
    return backend


def ministack(processes):
    """ministack, with The simulated engine to schedule tasks on."""
    engine = free_port()
    processes.start("engine", [sys.executable, HERE / "engine.py", engine], engine)
    port = free_port()
    processes.start("ministack", [sys.executable, "-m", "ministack"], port, GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1",
                    DOCKER_HOST=f"tcp://127.0.0.1:{engine}", MINISTACK_REGION=REGION,
                    SERVICES="ecs,elbv2,logs,secretsmanager,ec2,sts,acm,iam")
    backend = Backend("ministack", f"http://127.0.0.1:{port}", 30)
    backend.network = made_network(backend)
    return backend


def made_network(backend):
    """A network of its own, where the backend insists on one."""
    ec2 = backend.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    # moto's tasks fail in a network whose hosts have no names.
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    zones = {"subnet-a": ("10.9.1.0/24", f"{REGION}a"), "subnet-b": ("10.9.2.0/24", f"{REGION}b")}
    subnets = {name: ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
               for name, (block, zone) in zones.items()}
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, **subnets, "group": group}
