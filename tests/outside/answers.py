"""Two answers to the same call, compared field by field, and the table of differences that are known.

What differs by nature (ids, times, addresses) is compared by its form: a task's id stays "<32 hex>", so that a backend
that makes other ids is noticed. Lists of things with a name are compared by name, not by position.
"""

import datetime
import re
import tomllib
from dataclasses import dataclass, field

# What names a thing in a list: the first of these that it has.
NAMES = ["serviceName", "clusterName", "name", "key", "capacityProvider", "logGroupName", "LoadBalancerName",
         "TargetGroupName", "SubnetId", "VersionId", "Name", "Key", "Field", "Priority", "Port", "ResourceArn",
         "containerName", "type", "status"]
# What a backend makes up as it likes.
OPAQUE = {"nextToken": "<token>", "NextToken": "<token>", "events": "<events>", "message": "<text>"}
ABSENT = "-"
FORMS = [(re.compile(pattern), form) for pattern, form in [
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    # The script's own ids are a, b and 0 thirty-two times.
    (r"\b(?!(?:a{32}|b{32}|0{32})\b)[0-9a-f]{32}\b", "<32 hex>"),
    (r"(?<=ecs-svc/)\d{19}\b", "<19 digits>"),
    (r"(?<=ecs-svc/)[0-9a-f]{20}\b", "<20 hex>"),
    (r"\b(eni|vpc)-[0-9a-f]{17}\b", r"\1-<17 hex>"),
    # Which of its subnets a task is put into is not specified.
    (r"<subnet-[ab]>", "<subnet>"),
    (r"\beu-west-1[abc]\b", "<zone>"),
    (r"(?<=/)(?!0{16}\b)[0-9a-z]{16}\b", "<16 letters>"),
    (r"\b\d{13}\b", "<milliseconds>"),
    (r"\b\d{15,}\b", "<digits>"),
    (r"(?<=secret:lifecycle/database-)\w{6}\b", "<6 letters>"),
    (r"\b(?:\d{1,3}\.){3}\d{1,3}\b", "<address>"),
    (r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", "<mac>"),
    (r"\bip-(\d+-){3}\d+\b", "ip-<address>"),
    (r"(?<=lifecycle-)\w+(?=\.eu-west-1\.elb)", "<id>"),
]]


class Reader:
    """Reads answers of a backend: its network's ids are given by name."""

    def __init__(self, network):
        self.network = network

    def plain(self, value):
        """The answer in texts, structures and lists, each thing in a list under its name."""
        if isinstance(value, dict):
            return {self.form(name): OPAQUE[name] if item and name in OPAQUE else self.plain(item)
                    for name, item in value.items()}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return Things(self._named(value))
        if isinstance(value, list):
            return "[" + ", ".join(sorted(self.form(item) for item in value)) + "]"
        return self.form(value)

    def form(self, value):
        """A value with what differs by nature replaced by its form."""
        if isinstance(value, datetime.datetime):
            return "<time>"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        for name, identifier in self.network.items():
            text = text.replace(identifier, f"<{name}>")
        for pattern, form in FORMS:
            text = pattern.sub(form, text)
        return text

    def _named(self, items):
        named = {}
        for index, item in enumerate(items):
            name = next((self.form(item[key]) for key in NAMES if key in item), str(index))
            while name in named:
                name += "'"
            named[name] = self.plain(item)
        return named


class Things(dict):
    """A list of things by their names."""


@dataclass(frozen=True)
class Difference:
    """One field of one answer in which a judge says something else than aws-sim."""

    judge: str
    step: str
    path: str
    ours: str
    theirs: str

    def __str__(self):
        return f"{self.judge} | {self.step} | {self.path} | aws-sim: {self.ours} | {self.judge}: {self.theirs}"


def differences(judge, ours, theirs):
    """What differs between two runs, each given as plain answers by step."""
    found = []
    for step in list(ours) + [step for step in theirs if step not in ours]:
        mine, other = ours.get(step), theirs.get(step)
        if mine is not None and other is not None and ("Error" in mine) != ("Error" in other):
            # One is refused and the other is not: that is the difference, not every field.
            codes = [one["Error"]["Code"] if "Error" in one else "ok" for one in (mine, other)]
            found.append(Difference(judge, step, "Error.Code", *codes))
            continue
        found += [Difference(judge, step, *difference) for difference in compared(mine, other)]
    return found


def compared(ours, theirs, path=""):
    """Path, our value and theirs wherever they differ. What one side lacks is one difference, however much is in it."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        of_a_list = isinstance(ours, Things)
        for name in list(ours) + [name for name in theirs if name not in ours]:
            below = f"{path}[{name}]" if of_a_list else f"{path}.{name}" if path else name
            yield from compared(ours.get(name), theirs.get(name), below)
    elif ours != theirs:
        yield path, shown(ours), shown(theirs)


def shown(value):
    if value is None:
        return ABSENT
    if isinstance(value, Things):
        return "[" + ", ".join(value) + "]"
    return "{" + ", ".join(sorted(value)) + "}" if isinstance(value, dict) else value


@dataclass
class Row:
    """A known difference: who, where, what both say, and the documentation that decides in favour of aws-sim.

    `judges`, `steps` and `paths` are lists; everything in them must still differ, or the row is stale.
    """

    judges: list
    paths: list
    aws: str
    source: str
    steps: list = field(default_factory=lambda: ["*"])
    ours: str = "*"
    theirs: str = "*"
    met: set = field(default_factory=set, compare=False)

    def covers(self, difference):
        """Whether it is this difference; remembers what of the row was met."""
        if difference.judge not in self.judges:
            return False
        if not (glob(self.ours, difference.ours) and glob(self.theirs, difference.theirs)):
            return False
        paths = [path for path in self.paths if glob(path, difference.path, any_text="[^.]*")]
        steps = [step for step in self.steps if glob(step, difference.step)]
        if paths and steps:
            self.met |= {(difference.judge, path) for path in paths} | {(difference.judge, step) for step in steps}
        return bool(paths and steps)

    def stale(self):
        """What in this row no longer differs."""
        return [f"{judge}: {what}: {self.aws}" for judge in self.judges for what in self.paths + self.steps
                if (judge, what) not in self.met]


def glob(pattern, text, any_text=".*"):
    """Whether the pattern is the text; `*` stands for any text, in a path without dots, and `**` for any text at all."""
    parts = [any_text.join(map(re.escape, part.split("*"))) for part in pattern.split("**")]
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None


def known_differences(file):
    with file.open("rb") as text:
        return [Row(**row) for row in tomllib.load(text)["difference"]]
