"""A simulated Docker Engine: it answers the Engine API, and no container ever runs.

ministack schedules the tasks of an ECS service on a Docker Engine. This one gives its scheduler something to schedule on
a machine without Docker. What a container does is decided by its image's name and its command, by the same words as in
aws-sim (`aws-sim/src/behaviour.rs`), so that one script means the same on both:

    unpullable   the image cannot be pulled
    crash        exits 1 after a moment
    migrat       exits 0 after a moment (in the image or the command)
    slow         pulling takes longer
    others       run until they are stopped

    python engine.py PORT       then: DOCKER_HOST=tcp://127.0.0.1:PORT
"""

import hashlib
import itertools
import json
import re
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

# Seconds. A container that ends by itself must do so before ministack's steady delay (1 s) calls its deployment complete.
PULL, SLOW_PULL, LIFETIME = 0.1, 3.0, 0.1
API_VERSION = "1.45"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Images:
    """Which image a digest stands for: ministack looks a tag up once and pulls by digest from then on."""

    def __init__(self):
        self._names = {}

    def digest(self, name):
        digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        self._names[digest] = name
        return digest

    def name(self, reference):
        """The name with its tag, of a name with a tag or a digest."""
        digest = re.search(r"sha256:[0-9a-f]{64}", reference)
        return self._names.get(digest[0], reference) if digest else reference

    def describe(self, reference):
        name = self.available(reference)
        digest = self.digest(name)
        return {"Id": digest, "RepoTags": [name], "RepoDigests": [f"{name.rsplit(':', 1)[0]}@{digest}"], "Config": {}}

    def available(self, reference):
        name = self.name(reference)
        if "unpullable" in name:
            raise Refused(404, f"manifest for {name} not found: manifest unknown")
        return name


class Container:
    """A container as it would be now, had it run."""

    _addresses = itertools.count(2)

    def __init__(self, name, image, wish):
        self.id = secrets.token_hex(32)
        self.name = name or self.id[:12]
        self.image = image
        self.labels = wish.get("Labels") or {}
        self.command = " ".join(wish.get("Cmd") or [])
        number = next(self._addresses)
        self.address = f"172.17.{number // 250}.{number % 250 + 1}"
        self.started = None
        self.stopped_with = None

    def exit_code(self):
        """None while it is not over."""
        if self.stopped_with is not None:
            return self.stopped_with
        if self.started is None or time.monotonic() < self.started + LIFETIME:
            return None
        if "crash" in self.image:
            return 1
        return 0 if "migrat" in self.image or "migrat" in self.command else None

    def stop(self, code):
        if self.exit_code() is None:
            self.stopped_with = code

    def status(self):
        if self.exit_code() is not None:
            return "exited"
        return "created" if self.started is None else "running"

    def describe(self, images):
        status = self.status()
        return {
            "Id": self.id, "Name": f"/{self.name}", "Image": images.digest(self.image), "Mounts": [],
            "Config": {"Image": self.image, "Labels": self.labels, "Env": [], "Tty": True},
            "State": {"Status": status, "Running": status == "running", "ExitCode": self.exit_code() or 0,
                      "OOMKilled": False, "Error": ""},
            "HostConfig": {"NetworkMode": "bridge"},
            "NetworkSettings": {"IPAddress": self.address, "Ports": {},
                                "Networks": {"bridge": {"IPAddress": self.address, "Gateway": "172.17.0.1"}}},
        }

    def summary(self):
        return {"Id": self.id, "Names": [f"/{self.name}"], "Image": self.image, "Labels": self.labels,
                "State": self.status(), "Status": self.status()}


class Engine:
    """What is there, and the calls that are known. A call that is not known is refused, so that it is noticed."""

    def __init__(self):
        self.images = Images()
        self._containers = {}
        self._lock = threading.Lock()
        self._calls = [
            ("GET", r"/version", self.version),
            ("GET", r"/distribution/(?P<image>.+)/json", self.look_up),
            ("POST", r"/images/create", self.pull),
            ("POST", r"/images/(?P<image>.+)/tag", lambda image, **_: (201, None)),
            ("GET", r"/images/(?P<image>.+)/json", lambda image, **_: (200, self.images.describe(image))),
            ("GET", r"/containers/json", self.list),
            ("POST", r"/containers/create", self.create),
            ("GET", r"/containers/(?P<which>[^/]*)/json", self.inspect),
            ("POST", r"/containers/(?P<which>[^/]+)/start", self.start),
            ("POST", r"/containers/(?P<which>[^/]+)/stop", lambda which, **_: self.stop(which, 143)),
            ("POST", r"/containers/(?P<which>[^/]+)/kill", lambda which, **_: self.stop(which, 137)),
            ("POST", r"/containers/(?P<which>[^/]+)/wait", self.wait),
            ("GET", r"/containers/(?P<which>[^/]+)/logs", self.logs),
            ("DELETE", r"/containers/(?P<which>[^/]+)", self.remove),
        ]

    def answer(self, method, path, query, body):
        """Status and answer: JSON, bytes as they are, or nothing."""
        path = re.sub(r"^/v[\d.]+", "", path)
        for known, pattern, call in self._calls:
            parts = re.fullmatch(pattern, path)
            if known == method and parts:
                return call(query=query, body=body, **parts.groupdict())
        raise Refused(404, f"page not found: {method} {path}")

    def version(self, **_):
        return 200, {"Version": "27.0.0", "ApiVersion": API_VERSION, "MinAPIVersion": "1.24", "Os": "linux",
                     "Arch": "amd64"}

    def look_up(self, image, **_):
        digest = self.images.digest(self.images.available(image))
        kind = "application/vnd.oci.image.manifest.v1+json"
        return 200, {"Descriptor": {"mediaType": kind, "digest": digest, "size": 1}, "Platforms": []}

    def pull(self, query, **_):
        tag = query.get("tag", "latest")
        image = self.images.available(query["fromImage"] + ("@" if tag.startswith("sha256:") else ":") + tag)
        time.sleep(SLOW_PULL if "slow" in image else PULL)
        return 200, {"status": "Pull complete"}

    def list(self, query, **_):
        everything = query.get("all") in ("1", "true", "True")
        wanted = json.loads(query.get("filters", "{}")).get("label", [])
        with self._lock:
            containers = list(self._containers.values())
        labelled = [one for one in containers if all(carries(one.labels, label) for label in wanted)]
        return 200, [one.summary() for one in labelled if everything or one.status() == "running"]

    def create(self, query, body, **_):
        container = Container(query.get("name"), self.images.available(body["Image"]), body)
        with self._lock:
            self._containers[container.id] = container
        return 201, {"Id": container.id, "Warnings": []}

    def find(self, which):
        with self._lock:
            for container in self._containers.values():
                if which == container.name or (len(which) >= 12 and container.id.startswith(which)):
                    return container
        raise Refused(404, f"No such container: {which}")

    def inspect(self, which, **_):
        return 200, self.find(which).describe(self.images)

    def start(self, which, **_):
        self.find(which).started = time.monotonic()
        return 204, None

    def stop(self, which, code):
        self.find(which).stop(code)
        return 204, None

    def wait(self, which, **_):
        container = self.find(which)
        while container.exit_code() is None:
            time.sleep(0.05)
        return 200, {"StatusCode": container.exit_code()}

    def logs(self, which, query, **_):
        """Nothing is ever said; somebody who follows hears so when the container is over."""
        container = self.find(which)
        while query.get("follow") in ("1", "true", "True") and container.status() == "running":
            time.sleep(0.2)
        return 200, b""

    def remove(self, which, **_):
        container = self.find(which)
        container.stop(137)
        with self._lock:
            self._containers.pop(container.id, None)
        return 204, None


def carries(labels, wanted):
    """Whether labels hold `key` or `key=value`."""
    key, has_value, value = wanted.partition("=")
    return key in labels and (not has_value or labels[key] == value)


class Handler(BaseHTTPRequestHandler):
    """HTTP around the engine."""

    protocol_version = "HTTP/1.1"
    engine = Engine()

    def serve(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        try:
            status, answer = self.engine.answer(self.command, unquote(url.path), query, body)
        except Refused as refused:
            status, answer = refused.status, {"message": str(refused)}
            print(f"{self.command} {self.path}: {refused}", file=sys.stderr, flush=True)
        raw = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Api-Version", API_VERSION)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = serve

    def log_message(self, *_):
        """Only what is refused is worth a line."""


class Server(ThreadingHTTPServer):
    """A thread per connection: many of them wait."""

    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
