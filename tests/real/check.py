"""What Evenkeel takes for true of AWS, asked of AWS itself. See run.sh and docs/real-aws.md."""

import argparse
import json
import sys
import time
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

IMAGE = "public.ecr.aws/docker/library/busybox:1.37"
SERVE = ["sh", "-c", "mkdir -p /w && echo ok >/w/index.html && exec httpd -f -p 8080 -h /w"]
OBEYS = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


class Lab:
    """A scratch corner of one account, and everything that is to be deleted from it, newest first."""

    def __init__(self, args):
        self.args = args
        self.name = f"evenkeel-check-{uuid.uuid4().hex[:8]}"
        fake = {"aws_access_key_id": "AKIASIMULATED0000001", "aws_secret_access_key": "secret"} if args.endpoint else {}
        config = Config(retries={"total_max_attempts": 5, "mode": "standard"})

        def client(service):
            return boto3.client(service, region_name=args.region, endpoint_url=args.endpoint, config=config, **fake)

        self.ecs, self.elb, self.logs = client("ecs"), client("elbv2"), client("logs")
        self.undo = []
        self.cluster = self.ecs.create_cluster(
            clusterName=self.name, capacityProviders=["FARGATE", "FARGATE_SPOT"]
        )["cluster"]["clusterName"]
        self.undo.append(lambda: self.ecs.delete_cluster(cluster=self.cluster))
        self.balancer = self.elb.create_load_balancer(
            Name=self.name[-32:], Subnets=args.subnets, SecurityGroups=[args.security_group], Scheme="internal"
        )["LoadBalancers"][0]["LoadBalancerArn"]
        self.undo.append(lambda: self.elb.delete_load_balancer(LoadBalancerArn=self.balancer))
        not_found = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        self.listener = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=[not_found]
        )["Listeners"][0]["ListenerArn"]
        self.undo.append(lambda: self.elb.delete_listener(ListenerArn=self.listener))

    def group(self, port=8080):
        """A target group with quick health checks."""
        made = self.elb.create_target_group(
            Name=f"ekc-{uuid.uuid4().hex[:12]}", Protocol="HTTP", Port=port, VpcId=self.args.vpc, TargetType="ip",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        self.undo.append(lambda: self.elb.delete_target_group(TargetGroupArn=made))
        return made

    def rule(self, priority, weights, conditions=None):
        """A rule that forwards to groups by their weights."""
        conditions = conditions or [{"Field": "path-pattern", "Values": [f"/{priority}/*"]}]
        made = self.elb.create_rule(
            ListenerArn=self.listener, Priority=priority, Conditions=conditions, Actions=[forward(weights)]
        )["Rules"][0]["RuleArn"]
        self.undo.append(lambda: self.elb.delete_rule(RuleArn=made))
        return made

    def definition(self, command, containers=None):
        """A revision whose only container, or first one, runs this command."""
        container = {"name": "main", "image": IMAGE, "command": command, "portMappings": [{"containerPort": 8080}]}
        made = self.ecs.register_task_definition(
            family=self.name, cpu="256", memory="512", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
            executionRoleArn=self.args.execution_role, containerDefinitions=[container, *(containers or [])],
        )["taskDefinition"]["taskDefinitionArn"]
        self.undo.append(lambda: self.ecs.deregister_task_definition(taskDefinition=made))
        return made

    @property
    def network(self):
        """Where tasks are attached."""
        vpc = {"subnets": self.args.subnets, "securityGroups": [self.args.security_group], "assignPublicIp": "ENABLED"}
        return {"awsvpcConfiguration": vpc}

    def service(self, definition, groups=(), **more):
        """A service of one task."""
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        if "capacityProviderStrategy" not in more:
            more["launchType"] = "FARGATE"
        self.ecs.create_service(
            cluster=self.cluster, serviceName=name, taskDefinition=definition, desiredCount=1,
            networkConfiguration=self.network, loadBalancers=balancers(groups), **more,
        )
        self.undo.append(lambda: self.ecs.delete_service(cluster=self.cluster, service=name, force=True))
        return name

    def seen(self, service):
        """What DescribeServices shows of a service."""
        return self.ecs.describe_services(cluster=self.cluster, services=[service])["services"][0]

    def until(self, what, seconds=900):
        """Waits for something to be true, in AWS's time."""
        tries = int(seconds / 5)
        for _ in range(tries):
            answer = what()
            if answer:
                return answer
            time.sleep(self.args.pause)
        raise TimeoutError("it did not come about")

    def steady(self, service):
        """Waits until ECS is done with a service."""
        def done():
            seen = self.seen(service)
            return len(seen["deployments"]) == 1 and seen["runningCount"] == seen["desiredCount"]
        self.until(done)

    def healthy(self, group):
        """Targets of a group that are healthy."""
        health = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["Target"]["Id"] for one in health if one["TargetHealth"]["State"] == "healthy"]

    def clean(self):
        """Deletes everything, as far as AWS lets us, and says what stays."""
        for attempt in range(40):
            left = []
            for undo in reversed(self.undo):
                try:
                    undo()
                except ClientError as error:
                    if "NotFound" not in error.response["Error"]["Code"] and "NotActive" not in error.response["Error"]["Code"]:
                        left.append((undo, error))
            self.undo = [undo for undo, _ in reversed(left)]
            if not left:
                return
            time.sleep(self.args.pause * 2)
        for _, error in left:
            print(f"  left behind: {error}", file=sys.stderr)


def forward(weights):
    """A forward action."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def balancers(groups):
    """`loadBalancers` of a service."""
    return [{"targetGroupArn": arn, "containerName": "main", "containerPort": 8080} for arn in groups]


def refused(call, **arguments):
    """What AWS answers: `None` when it does as asked."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]
    return None


# Each: what is taken for true (the docstring), and whether AWS agrees, with what was seen.

def a_stopped_task_that_obeys_shows_exit_code_0(lab):
    """A task that is stopped and obeys shows exitCode 0, and stopCode UserInitiated with our reason."""
    run = lab.ecs.run_task(cluster=lab.cluster, taskDefinition=lab.definition(OBEYS), launchType="FARGATE",
                           networkConfiguration=lab.network)
    arn = run["tasks"][0]["taskArn"]

    def task():
        return lab.ecs.describe_tasks(cluster=lab.cluster, tasks=[arn])["tasks"][0]
    lab.until(lambda: task()["lastStatus"] == "RUNNING")
    lab.ecs.stop_task(cluster=lab.cluster, task=arn, reason="Evenkeel: not done by then")
    lab.until(lambda: task()["lastStatus"] == "STOPPED")
    seen = task()
    facts = (seen.get("stopCode"), seen["containers"][0].get("exitCode"), seen.get("stoppedReason"))
    times = "stoppingAt" in seen and "executionStoppedAt" in seen
    return facts == ("UserInitiated", 0, "Evenkeel: not done by then") and times, f"{facts}, times of the stop: {times}"


def a_strategy_changes_only_by_force(lab):
    """UpdateService refuses another capacityProviderStrategy without forceNewDeployment, and takes it with."""
    service = lab.service(lab.definition(SERVE))
    change = {"cluster": lab.cluster, "service": service,
              "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}
    without = refused(lab.ecs.update_service, **change)
    forced = refused(lab.ecs.update_service, forceNewDeployment=True, **change)
    return without is not None and forced is None, f"without: {without}, with: {forced}"


def weight_0_associates(lab):
    """A group with weight 0 in a rule belongs to the load balancer, so that ECS takes it."""
    old, new = lab.group(), lab.group()
    lab.rule(10, [(old, 1), (new, 0)])
    seen = lab.elb.describe_target_groups(TargetGroupArns=[new])["TargetGroups"][0]["LoadBalancerArns"]
    service = refused(lab.service, definition=lab.definition(SERVE), groups=[new])
    return bool(seen) and service is None, f"load balancers {len(seen)}, CreateService: {service}"


def a_rule_that_no_request_meets_associates(lab):
    """A rule that asks for a header nobody sends associates its group all the same."""
    group = lab.group()
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-evenkeel-not-yet", "Values": ["true"]}}
    lab.rule(11, [(group, 1)], [{"Field": "path-pattern", "Values": ["/11/*"]}, header])
    seen = lab.elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"]
    return bool(seen), f"load balancers {len(seen)}"


def a_service_moves_through_two_groups(lab):
    """UpdateService goes from one target group to two and back to one; tasks are healthy in both meanwhile."""
    old, new = lab.group(), lab.group(9090)
    lab.rule(12, [(old, 1), (new, 0)])
    service = lab.service(lab.definition(SERVE), [old])
    lab.steady(service)
    lab.ecs.update_service(cluster=lab.cluster, service=service, loadBalancers=balancers([old, new]))
    lab.steady(service)
    both = lab.until(lambda: lab.healthy(old) and lab.healthy(new) and (lab.healthy(old), lab.healthy(new)))
    lab.ecs.update_service(cluster=lab.cluster, service=service, loadBalancers=balancers([new]))
    lab.steady(service)
    gone = lab.until(lambda: not lab.healthy(old) and bool(lab.healthy(new)))
    return sorted(both[0]) == sorted(both[1]) and gone, f"healthy in both: {both}"


def rules_swap_in_one_call(lab):
    """SetRulePriorities swaps the priorities of two rules in one call."""
    group = lab.group()
    one, two = lab.rule(20, [(group, 1)]), lab.rule(21, [(group, 1)])
    answer = refused(lab.elb.set_rule_priorities, RulePriorities=[
        {"RuleArn": one, "Priority": 21}, {"RuleArn": two, "Priority": 20}])
    seen = {rule["RuleArn"]: rule["Priority"] for rule in lab.elb.describe_rules(RuleArns=[one, two])["Rules"]}
    return answer is None and seen == {one: "21", two: "20"}, f"{answer}, {sorted(seen.values())}"


def a_group_without_a_load_balancer_is_refused(lab):
    """CreateService refuses a target group that no load balancer forwards to."""
    error = refused(lab.service, definition=lab.definition(SERVE), groups=[lab.group()])
    return error is not None and "load balancer" in error["Message"], str(error)


def retention_follows_creation(lab):
    """A log group takes its retention right after it was made."""
    name = f"/{lab.name}"
    lab.logs.create_log_group(logGroupName=name, tags={"evenkeel.dev/owner": "check"})
    lab.undo.append(lambda: lab.logs.delete_log_group(logGroupName=name))
    error = refused(lab.logs.put_retention_policy, logGroupName=name, retentionInDays=1)
    return error is None, str(error)


def a_service_is_deleted_after_it_was_scaled_down(lab):
    """DeleteService refuses a service with tasks wanted, and takes it at desiredCount 0."""
    service = lab.service(lab.definition(SERVE))
    early = refused(lab.ecs.delete_service, cluster=lab.cluster, service=service)
    lab.ecs.update_service(cluster=lab.cluster, service=service, desiredCount=0)
    late = refused(lab.ecs.delete_service, cluster=lab.cluster, service=service)
    return early is not None and late is None, f"with tasks: {early}, at 0: {late}"


ASSUMPTIONS = [
    a_group_without_a_load_balancer_is_refused,
    weight_0_associates,
    a_rule_that_no_request_meets_associates,
    rules_swap_in_one_call,
    retention_follows_creation,
    a_strategy_changes_only_by_force,
    a_service_is_deleted_after_it_was_scaled_down,
    a_stopped_task_that_obeys_shows_exit_code_0,
    a_service_moves_through_two_groups,
]


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--vpc", default="vpc-0123456789abcdef0")
    parser.add_argument("--subnets", type=lambda text: text.split(","),
                        default=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"])
    parser.add_argument("--security-group", default="sg-0123456789abcdef0")
    parser.add_argument("--execution-role", default="arn:aws:iam::123456789012:role/check-execution")
    parser.add_argument("--endpoint", help="where a simulated AWS listens")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds between two looks")
    args = parser.parse_args()
    needed = ["vpc", "subnets", "security_group", "execution_role"]
    if not args.endpoint and any(getattr(args, name) == parser.get_default(name) for name in needed):
        parser.error("a real account needs --vpc, --subnets, --security-group and --execution-role")
    return args


def main():
    """Asks everything, cleans up, and says what differs."""
    args = arguments()
    if args.endpoint:
        urllib.request.urlopen(f"{args.endpoint}/_sim", timeout=5).read()
    lab = Lab(args)
    outcomes = []
    try:
        for assumption in ASSUMPTIONS:
            try:
                agreed, seen = assumption(lab)
            except (ClientError, TimeoutError, KeyError, IndexError) as error:
                agreed, seen = False, f"{type(error).__name__}: {error}"
            outcomes.append(agreed)
            print(f"{'agreed ' if agreed else 'DIFFERS'}  {assumption.__doc__}")
            if not agreed:
                print(f"         seen: {json.dumps(seen) if not isinstance(seen, str) else seen}")
    finally:
        lab.clean()
    print(f"\n{sum(outcomes)} of {len(ASSUMPTIONS)} agreed")
    return 0 if all(outcomes) and len(outcomes) == len(ASSUMPTIONS) else 1


if __name__ == "__main__":
    sys.exit(main())
