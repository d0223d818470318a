"""What several tests need in AWS: a cluster, definitions, a service behind a load balancer."""

from conftest import until

ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"],
                                   "assignPublicIp": "DISABLED"}}


def container(image="app:1", **more):
    return {"name": "app", "image": image, "essential": True, "portMappings": [{"containerPort": 8080}], **more}


def register(ecs, family="app", image="app:1", **more):
    """Registers a Fargate definition of one container; gives its ARN."""
    settings = {"containerDefinitions": [container(image)], **more}
    made = ecs.register_task_definition(family=family, requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                                        cpu="256", memory="512", executionRoleArn=ROLE, **settings)
    return made["taskDefinition"]["taskDefinitionArn"]


def create(ecs, name="app", definition="app", count=2, **more):
    """Creates a Fargate service."""
    made = ecs.create_service(cluster="main", serviceName=name, taskDefinition=definition, desiredCount=count,
                              launchType="FARGATE", networkConfiguration=NETWORK, **more)
    return made["service"]


def service(ecs, name="app"):
    found = ecs.describe_services(cluster="main", services=[name])
    assert found["failures"] == []
    return found["services"][0]


def steady(seen):
    """Whether a service is down to one deployment that is complete."""
    return len(seen["deployments"]) == 1 and seen["deployments"][0]["rolloutState"] == "COMPLETED"


def until_steady(ecs, name="app"):
    return until(lambda: service(ecs, name), steady)


def behind_load_balancer(elbv2, path="/", delay="5"):
    """A load balancer with a listener and an ip target group; gives the group's ARN."""
    balancer = elbv2.create_load_balancer(Name="web", Subnets=["subnet-a", "subnet-b"])["LoadBalancers"][0]
    group = elbv2.create_target_group(
        Name="web", Protocol="HTTP", Port=8080, VpcId="vpc-1", TargetType="ip", HealthCheckPath=path,
        HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2)["TargetGroups"][0]["TargetGroupArn"]
    elbv2.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": delay}])
    elbv2.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                          DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    return group


def target_states(elbv2, group):
    seen = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted(one["TargetHealth"]["State"] for one in seen)
