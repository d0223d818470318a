"""The lifecycle of a service and of all that it needs, as named calls. The same script runs on every backend.

A step is one call and its answer: what boto3 made of it, or the error's code and HTTP status. What moves by itself is
read when it has settled, so that answers do not depend on how fast a backend is.
"""

from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/shop-execution"
FARGATE = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
           "executionRoleArn": ROLE}
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}, "minimumHealthyPercent": 100,
           "maximumPercent": 200}


def run(backend):
    """Runs the whole lifecycle; gives the steps by name, in their order."""
    lifecycle = Lifecycle(backend)
    lifecycle.cluster()
    lifecycle.log_group()
    lifecycle.secret()
    lifecycle.load_balancing()
    lifecycle.definitions()
    lifecycle.service_comes_up()
    lifecycle.service_changes()
    lifecycle.bad_service_calls()
    lifecycle.tasks()
    lifecycle.service_goes_and_comes_back()
    lifecycle.definitions_go()
    lifecycle.all_goes()
    return lifecycle.steps


def container(image="shop/web:1", **more):
    return {"name": "web", "image": image, "memory": 256, "portMappings": [{"containerPort": 8080}], **more}


def settled(services):
    """Whether a service's newest deployment is complete, with all its tasks, and nothing is left of the others."""
    service = services["services"][0]
    primary = [one for one in service["deployments"] if one["status"] == "PRIMARY"]
    others = [one for one in service["deployments"] if one["status"] != "PRIMARY"]
    return (len(primary) == 1 and primary[0].get("rolloutState") == "COMPLETED"
            and all(one["desiredCount"] == one["runningCount"] == 0 for one in others)
            and service["runningCount"] == service["desiredCount"] and service.get("pendingCount", 0) == 0)


def answer_of(call, arguments):
    """What boto3 makes of an answer; an error is an answer, too."""
    try:
        answer = call(**arguments)
    except ClientError as refused:
        metadata = refused.response["ResponseMetadata"]
        return {"Error": {"Code": refused.response["Error"].get("Code"), "Status": metadata["HTTPStatusCode"]}}
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


class Lifecycle:
    def __init__(self, backend):
        self.backend = backend
        self.ecs = backend.client("ecs")
        self.elb = backend.client("elbv2")
        self.logs = backend.client("logs")
        self.secrets = backend.client("secretsmanager")
        self.steps = {}
        network = backend.network
        self.network = {"awsvpcConfiguration": {"subnets": [network["subnet-a"], network["subnet-b"]],
                                                "securityGroups": [network["group"]]}}

    def step(self, name, call, **arguments):
        """Makes one call and keeps its answer."""
        return self.keep(name, answer_of(call, arguments))

    def step_when(self, done, name, call, **arguments):
        """The answer once it is as it should be, and whether it ever was."""
        answer, settled = self.backend.until(lambda: answer_of(call, arguments),
                                           lambda seen: "Error" in seen or done(seen))
        return self.keep(name, {**answer, "settled": settled})

    def keep(self, name, answer):
        assert name not in self.steps, name
        self.steps[name] = answer
        return answer

    def service_settles(self, name):
        return self.step_when(settled, name, self.ecs.describe_services, cluster="lifecycle", services=["web"],
                              include=["TAGS"])

    def cluster(self):
        step, ecs = self.step, self.ecs
        step("no cluster: describe", ecs.describe_clusters, clusters=["lifecycle"])
        step("no cluster: describe service", ecs.describe_services, cluster="lifecycle", services=["web"])
        step("cluster: create", ecs.create_cluster, clusterName="lifecycle", tags=[{"key": "team", "value": "shop"}],
             capacityProviders=["FARGATE", "FARGATE_SPOT"],
             defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1, "base": 0}])
        step("cluster: describe", ecs.describe_clusters, clusters=["lifecycle"])
        step("cluster: describe with tags", ecs.describe_clusters, clusters=["lifecycle"], include=["TAGS", "SETTINGS"])
        step("cluster: list", ecs.list_clusters)

    def log_group(self):
        step, logs = self.step, self.logs
        step("log group: create", logs.create_log_group, logGroupName="/ecs/lifecycle", tags={"team": "shop"})
        step("log group: create again", logs.create_log_group, logGroupName="/ecs/lifecycle")
        step("log group: retention", logs.put_retention_policy, logGroupName="/ecs/lifecycle", retentionInDays=30)
        step("log group: bad retention", logs.put_retention_policy, logGroupName="/ecs/lifecycle", retentionInDays=31)
        step("log group: describe", logs.describe_log_groups, logGroupNamePrefix="/ecs/lifecycle")
        group = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/lifecycle"
        step("log group: tags", logs.list_tags_for_resource, resourceArn=group)
        step("no log group: retention", logs.put_retention_policy, logGroupName="/ecs/none", retentionInDays=30)
        step("no log group: delete", logs.delete_log_group, logGroupName="/ecs/none")

    def secret(self):
        step, secrets = self.step, self.secrets
        first, second = "a" * 32, "b" * 32
        made = step("secret: create", secrets.create_secret, Name="lifecycle/database", SecretString='{"url": "x"}',
                    ClientRequestToken=first, Tags=[{"Key": "team", "Value": "shop"}])
        self.secret_arn = made["ARN"]
        step("secret: create again", secrets.create_secret, Name="lifecycle/database", SecretString="y")
        step("secret: describe", secrets.describe_secret, SecretId="lifecycle/database")
        step("secret: put", secrets.put_secret_value, SecretId="lifecycle/database", SecretString='{"url": "z"}',
             ClientRequestToken=second)
        step("secret: describe after put", secrets.describe_secret, SecretId=self.secret_arn)
        step("secret: versions", secrets.list_secret_version_ids, SecretId="lifecycle/database")
        step("secret: list", secrets.list_secrets, Filters=[{"Key": "name", "Values": ["lifecycle/"]}])
        step("no secret: describe", secrets.describe_secret, SecretId="lifecycle/none")

    def load_balancing(self):
        step, elb, network = self.step, self.elb, self.backend.network
        balancer = step("load balancer: create", elb.create_load_balancer, Name="lifecycle", Scheme="internal",
                        Subnets=[network["subnet-a"], network["subnet-b"]], SecurityGroups=[network["group"]],
                        Tags=[{"Key": "team", "Value": "shop"}])["LoadBalancers"][0]["LoadBalancerArn"]
        self.balancer = balancer
        self.step_when(lambda seen: seen["LoadBalancers"][0]["State"]["Code"] == "active", "load balancer: describe",
                       elb.describe_load_balancers, Names=["lifecycle"])
        step("no load balancer: describe", elb.describe_load_balancers, Names=["none"])
        wish = {"Name": "lifecycle-web", "Protocol": "HTTP", "Port": 8080, "VpcId": network["vpc"], "TargetType": "ip",
                "HealthCheckPath": "/healthz", "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
                "HealthyThresholdCount": 2, "Matcher": {"HttpCode": "200-299"},
                "Tags": [{"Key": "team", "Value": "shop"}]}
        group = step("target group: create", elb.create_target_group, **wish)["TargetGroups"][0]["TargetGroupArn"]
        self.group = group
        step("target group: create with another port", elb.create_target_group, **{**wish, "Port": 9090})
        step("target group: describe", elb.describe_target_groups, Names=["lifecycle-web"])
        step("target group: modify attributes", elb.modify_target_group_attributes, TargetGroupArn=group,
             Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}])
        step("target group: attributes", elb.describe_target_group_attributes, TargetGroupArn=group)
        step("target group: modify", elb.modify_target_group, TargetGroupArn=group, HealthCheckPath="/ready")
        step("no target group: by name", elb.describe_target_groups, Names=["none"])
        missing = group[:-16] + "0" * 16
        step("no target group: by arn", elb.describe_target_groups, TargetGroupArns=[missing])
        step("no target group: health", elb.describe_target_health, TargetGroupArn=missing)
        not_found = {"Type": "fixed-response",
                     "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no"}}
        listener = step("listener: create", elb.create_listener, LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
                        DefaultActions=[not_found])["Listeners"][0]["ListenerArn"]
        self.listener = listener
        step("listener: create again", elb.create_listener, LoadBalancerArn=balancer, Protocol="HTTP", Port=80,
             DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        step("listener: describe", elb.describe_listeners, LoadBalancerArn=balancer)
        self.rules(listener, group)
        step("load balancing: tags", elb.describe_tags, ResourceArns=[balancer, group])

    def rules(self, listener, group):
        step, elb = self.step, self.elb
        rule = {"ListenerArn": listener, "Priority": 10,
                "Conditions": [{"Field": "host-header", "HostHeaderConfig": {"Values": ["lifecycle.example.com"]}}],
                "Actions": [{"Type": "forward", "TargetGroupArn": group}]}
        made = step("rule: create", elb.create_rule, **rule)["Rules"][0]["RuleArn"]
        self.rule = made
        step("rule: create with its priority", elb.create_rule, **rule)
        step("rule: modify", elb.modify_rule, RuleArn=made,
             Conditions=[{"Field": "path-pattern", "Values": ["/shop/*"]}])
        step("rule: describe", elb.describe_rules, ListenerArn=listener)
        step("target group: describe in use", elb.describe_target_groups, TargetGroupArns=[group])
        used = step("used group: create", elb.create_target_group, Name="lifecycle-used", Protocol="HTTP", Port=80,
                    VpcId=self.backend.network["vpc"], TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
        forward = {**rule, "Priority": 20, "Actions": [{"Type": "forward", "TargetGroupArn": used}]}
        step("used group: create rule", elb.create_rule, **forward)
        step("used group: delete", elb.delete_target_group, TargetGroupArn=used)
        step("no listener: rules", elb.describe_rules, ListenerArn=listener[:-16] + "0" * 16)

    def definitions(self):
        step, ecs = self.step, self.ecs
        step("no definition: describe", ecs.describe_task_definition, taskDefinition="lifecycle")
        step("definition: register", ecs.register_task_definition, family="lifecycle", containerDefinitions=[container()],
             tags=[{"key": "team", "value": "shop"}], **FARGATE)
        step("definition: describe", ecs.describe_task_definition, taskDefinition="lifecycle:1")
        step("definition: describe with tags", ecs.describe_task_definition, taskDefinition="lifecycle", include=["TAGS"])
        sidecar = {"name": "sidecar", "image": "shop/sidecar:1", "essential": False, "memoryReservation": 64,
                   "dependsOn": [{"containerName": "web", "condition": "START"}]}
        full = container(
            environment=[{"name": "B", "value": "2"}, {"name": "A", "value": "1"}], stopTimeout=30, command=["serve"],
            secrets=[{"name": "DATABASE_URL", "valueFrom": f"{self.secret_arn}:url::"}],
            healthCheck={"command": ["CMD-SHELL", "true"]}, mountPoints=[{"sourceVolume": "scratch", "containerPath": "/s"}],
            ulimits=[{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}], dockerLabels={"a": "1"},
            logConfiguration={"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/lifecycle", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "lifecycle"}})
        step("definition: register with everything", ecs.register_task_definition, family="full",
             containerDefinitions=[full, sidecar], volumes=[{"name": "scratch"}], taskRoleArn=ROLE,
             runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
             ephemeralStorage={"sizeInGiB": 30}, **FARGATE)
        step("definition: register for hosts", ecs.register_task_definition, family="hosts",
             containerDefinitions=[container()])
        for number, image in [(2, "shop/web:2"), (3, "shop/web:crash")]:
            step(f"definition: register revision {number}", ecs.register_task_definition, family="lifecycle",
                 containerDefinitions=[container(image)], **FARGATE)
        for family in ("migrate", "unpullable"):
            step(f"definition: register {family}", ecs.register_task_definition, family=family,
                 containerDefinitions=[container(f"shop/{family}:1")], **FARGATE)
        step("definition: list", ecs.list_task_definitions, familyPrefix="lifecycle")
        step("definition: list newest first", ecs.list_task_definitions, familyPrefix="lifecycle", sort="DESC", maxResults=2)
        step("bad definition: no container", ecs.register_task_definition, family="bad", containerDefinitions=[], **FARGATE)
        step("bad definition: memory", ecs.register_task_definition, family="bad", containerDefinitions=[container()],
             **{**FARGATE, "memory": "9999"})
        step("bad definition: two of a name", ecs.register_task_definition, family="bad",
             containerDefinitions=[container(), container()], **FARGATE)
        step("bad definition: family", ecs.register_task_definition, family="b a d", containerDefinitions=[container()],
             **FARGATE)

    def wish(self, **more):
        return {"cluster": "lifecycle", "serviceName": "web", "taskDefinition": "lifecycle:1", "desiredCount": 2,
                "launchType": "FARGATE", "networkConfiguration": self.network, **more}

    def service_comes_up(self):
        step, ecs = self.step, self.ecs
        balancers = [{"targetGroupArn": self.group, "containerName": "web", "containerPort": 8080}]
        step("service: create", ecs.create_service, **self.wish(
            loadBalancers=balancers, deploymentConfiguration=BREAKER, healthCheckGracePeriodSeconds=30,
            propagateTags="SERVICE", tags=[{"key": "team", "value": "shop"}], clientToken="lifecycle-web-1"))
        self.service_settles("service: steady")
        step("service: describe without tags", ecs.describe_services, cluster="lifecycle", services=["web", "none"])
        step("service: list", ecs.list_services, cluster="lifecycle")
        tasks = step("service: list tasks", ecs.list_tasks, cluster="lifecycle", serviceName="web")["taskArns"]
        if tasks:
            step("service: describe a task", ecs.describe_tasks, cluster="lifecycle", tasks=tasks[:1])
        self.step_when(lambda seen: len(seen["TargetHealthDescriptions"]) == 2 and all(
            one["TargetHealth"]["State"] == "healthy" for one in seen["TargetHealthDescriptions"]),
            "service: target health", self.elb.describe_target_health, TargetGroupArn=self.group)

    def service_changes(self):
        step, ecs, of = self.step, self.ecs, {"cluster": "lifecycle", "service": "web"}
        step("scale: update", ecs.update_service, desiredCount=3, **of)
        self.service_settles("scale: steady")
        step("upgrade: update", ecs.update_service, taskDefinition="lifecycle:2", **of)
        self.service_settles("upgrade: steady")
        step("crash: update", ecs.update_service, taskDefinition="lifecycle:3", **of)
        self.step_when(lambda seen: settled(seen) and seen["services"][0]["taskDefinition"].endswith(":2"),
                       "crash: rolled back", ecs.describe_services, cluster="lifecycle", services=["web"])
        step("force: update", ecs.update_service, forceNewDeployment=True, taskDefinition="lifecycle:2", **of)
        self.service_settles("force: steady")
        step("settings: update", ecs.update_service, healthCheckGracePeriodSeconds=60, enableExecuteCommand=True,
             deploymentConfiguration={**BREAKER, "minimumHealthyPercent": 50}, **of)
        self.service_settles("settings: steady")

    def bad_service_calls(self):
        step, ecs = self.step, self.ecs
        bad_port = [{"targetGroupArn": self.group, "containerName": "web", "containerPort": 9}]
        for name, more in [("no-cluster", {"cluster": "none"}), ("no-definition", {"taskDefinition": "none"}),
                           ("no-network", {"networkConfiguration": {}}), ("negative-count", {"desiredCount": -1}),
                           ("bad-port", {"loadBalancers": bad_port})]:
            step(f"bad service: {name}", ecs.create_service, **{**self.wish(serviceName=name, desiredCount=0), **more})
        step("bad service: first of a name", ecs.create_service, **self.wish(serviceName="twice", desiredCount=0))
        step("bad service: second of a name", ecs.create_service, **self.wish(serviceName="twice", desiredCount=1))
        step("bad update: no service", ecs.update_service, cluster="lifecycle", service="none", desiredCount=1)
        step("bad update: no cluster", ecs.update_service, cluster="none", service="web", desiredCount=1)
        step("bad update: no definition", ecs.update_service, cluster="lifecycle", service="twice", taskDefinition="none")
        step("bad delete: no service", ecs.delete_service, cluster="lifecycle", service="none")
        step("bad describe: eleven services", ecs.describe_services, cluster="lifecycle",
             services=[f"s{number}" for number in range(11)])
        step("bad describe: no services", ecs.describe_services, cluster="lifecycle", services=[])
        step("bad list: no cluster", ecs.list_services, cluster="none")

    def tasks(self):
        step, ecs = self.step, self.ecs
        wish = {"cluster": "lifecycle", "launchType": "FARGATE", "networkConfiguration": self.network}
        for family in ("migrate", "unpullable"):
            task = step(f"task: run {family}", ecs.run_task, taskDefinition=family, startedBy="lifecycle", **wish)
            self.task_reaches("STOPPED", f"task: {family} ended", task)
        task = step("task: run for ever", ecs.run_task, taskDefinition="lifecycle:1", startedBy="lifecycle", **wish)
        self.task_reaches("RUNNING", "task: runs", task)
        step("task: list", ecs.list_tasks, cluster="lifecycle", startedBy="lifecycle")
        if "tasks" in task:
            step("task: stop", ecs.stop_task, cluster="lifecycle", task=task["tasks"][0]["taskArn"], reason="enough")
            self.task_reaches("STOPPED", "task: stopped", task)
        missing = "0" * 32
        step("no task: describe", ecs.describe_tasks, cluster="lifecycle", tasks=[missing])
        step("no task: stop", ecs.stop_task, cluster="lifecycle", task=missing)
        step("bad task: no definition", ecs.run_task, taskDefinition="none", **wish)
        step("bad task: no network", ecs.run_task, taskDefinition="lifecycle:1", cluster="lifecycle", launchType="FARGATE")

    def task_reaches(self, status, name, made):
        if "tasks" in made:
            self.step_when(lambda seen: seen["tasks"][0]["lastStatus"] == status, name, self.ecs.describe_tasks,
                           cluster="lifecycle", tasks=[made["tasks"][0]["taskArn"]])

    def service_goes_and_comes_back(self):
        step, ecs, of = self.step, self.ecs, {"cluster": "lifecycle", "service": "web"}
        step("delete: scaled up", ecs.delete_service, **of)
        step("delete: scale down", ecs.update_service, desiredCount=0, **of)
        self.service_settles("delete: scaled down")
        step("delete", ecs.delete_service, **of)
        self.step_when(lambda seen: seen["services"][0]["status"] == "INACTIVE", "delete: inactive",
                       ecs.describe_services, cluster="lifecycle", services=["web"])
        step("delete: list", ecs.list_services, cluster="lifecycle")
        step("delete: again", ecs.delete_service, **of)
        step("delete: update", ecs.update_service, desiredCount=1, **of)
        step("re-create", ecs.create_service, **self.wish(desiredCount=1))
        self.service_settles("re-create: steady")
        step("re-create: delete by force", ecs.delete_service, force=True, **of)

    def definitions_go(self):
        step, ecs = self.step, self.ecs
        step("deregister", ecs.deregister_task_definition, taskDefinition="lifecycle:1")
        step("deregister: describe", ecs.describe_task_definition, taskDefinition="lifecycle:1")
        step("deregister: again", ecs.deregister_task_definition, taskDefinition="lifecycle:1")
        step("deregister: list", ecs.list_task_definitions, familyPrefix="lifecycle")
        step("deregister: list inactive", ecs.list_task_definitions, familyPrefix="lifecycle", status="INACTIVE")
        step("deregister: create service", ecs.create_service, **self.wish(serviceName="late"))
        step("deregister: run task", ecs.run_task, cluster="lifecycle", taskDefinition="lifecycle:1", launchType="FARGATE",
             networkConfiguration=self.network)
        step("no definition: deregister", ecs.deregister_task_definition, taskDefinition="none:1")

    def all_goes(self):
        step, elb = self.step, self.elb
        step("rule: delete", elb.delete_rule, RuleArn=self.rule)
        step("rule: delete again", elb.delete_rule, RuleArn=self.rule)
        step("listener: delete", elb.delete_listener, ListenerArn=self.listener)
        step("target group: delete", elb.delete_target_group, TargetGroupArn=self.group)
        step("load balancer: delete", elb.delete_load_balancer, LoadBalancerArn=self.balancer)
        step("secret: delete", self.secrets.delete_secret, SecretId="lifecycle/database", RecoveryWindowInDays=7)
        step("secret: describe deleted", self.secrets.describe_secret, SecretId="lifecycle/database")
        step("secret: put deleted", self.secrets.put_secret_value, SecretId="lifecycle/database", SecretString="late")
        step("log group: delete", self.logs.delete_log_group, logGroupName="/ecs/lifecycle")
        step("log group: describe deleted", self.logs.describe_log_groups, logGroupNamePrefix="/ecs/lifecycle")
