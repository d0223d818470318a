use serde_json::json;

use super::*;

/// A definition that both Fargate and instances take.
fn good() -> Value {
    json!({
        "family": "f", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/r",
        "containerDefinitions": [{"name": "c", "image": "i"}],
    })
}

/// Sets what a JSON pointer names; `-` appends to a list, null removes.
fn set(body: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
    if body.pointer(parent).is_none() {
        set(body, parent, json!({}));
    }
    match body.pointer_mut(parent).expect("made just above") {
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => items[last.parse::<usize>().expect("an index")] = value,
        Value::Object(members) if value.is_null() => drop(members.remove(last)),
        Value::Object(members) => drop(members.insert(last.to_owned(), value)),
        other => panic!("{pointer} goes through {other}"),
    }
}

fn answer(changes: &[(&str, Value)]) -> Result<()> {
    let mut body = good();
    for (pointer, value) in changes {
        set(&mut body, pointer, value.clone());
    }
    check(body.as_object().expect("an object"))
}

fn refusal(pointer: &str, value: Value) -> String {
    let answer = answer(&[(pointer, value.clone())]);
    answer.expect_err(&format!("{pointer} = {value} must be refused")).message
}

const C: &str = "/containerDefinitions/0";

#[test]
fn what_fargate_does_not_support_is_refused_in_the_words_of_aws() {
    answer(&[]).expect("the good one");
    let unsupported = |what: &str| format!("Fargate compatible task definitions do not support {what}");
    let container = |what: &str| format!("{C}/{what}");
    for (pointer, value, text) in [
        (
            "/pidMode".to_owned(),
            json!("host"),
            "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.".to_owned(),
        ),
        ("/ipcMode".to_owned(), json!("host"), unsupported("ipcMode")),
        ("/placementConstraints".to_owned(), json!([{"type": "memberOf"}]), unsupported("constraints")),
        ("/volumes".to_owned(), json!([{"name": "v", "host": {"sourcePath": "/x"}}]), unsupported("sourcePath")),
        (
            "/volumes".to_owned(),
            json!([{"name": "v", "dockerVolumeConfiguration": {}}]),
            unsupported("dockerVolumeConfiguration"),
        ),
        ("/ephemeralStorage".to_owned(), json!({"sizeInGiB": 300}), "EphemeralStorage size should be at most 200".to_owned()),
        ("/ephemeralStorage".to_owned(), json!({"sizeInGiB": 20}), "EphemeralStorage size should be at least 21".to_owned()),
        ("/networkMode".to_owned(), json!("bridge"), "Fargate only supports network mode ‘awsvpc’.".to_owned()),
        ("/cpu".to_owned(), json!(null), "Fargate requires that 'cpu' be defined at the task level.".to_owned()),
        (
            "/memory".to_owned(),
            json!("8192"),
            "No Fargate configuration exists for given values: 256 CPU, 8192 memory. See the Amazon ECS documentation for the valid values.".to_owned(),
        ),
        (
            container("privileged"),
            json!(true),
            "Fargate requires that the ‘privileged’ setting be ‘false’ at the container level.".to_owned(),
        ),
        (container("dockerSecurityOptions"), json!(["x"]), unsupported("dockerSecurityOptions")),
        (container("linuxParameters"), json!({"devices": [{"hostPath": "/dev/x"}]}), unsupported("devices")),
        (container("linuxParameters"), json!({"maxSwap": 1}), unsupported("maxSwap")),
        (container("linuxParameters"), json!({"sharedMemorySize": 1}), unsupported("sharedMemorySize")),
        (
            container("linuxParameters"),
            json!({"capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}),
            "NET_ADMIN is not allowed on Fargate.".to_owned(),
        ),
        (
            container("resourceRequirements"),
            json!([{"type": "GPU", "value": "1"}]),
            "Tasks using the Fargate launch type do not support GPU resource requirements.".to_owned(),
        ),
        (
            container("logConfiguration"),
            json!({"logDriver": "json-file"}),
            "json-file is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]".to_owned(),
        ),
        (
            container("logConfiguration"),
            json!({"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}}),
            "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.".to_owned(),
        ),
        (
            container("stopTimeout"),
            json!(121),
            "Tasks using the Fargate launch type must have a container stop timeout of less than 120 seconds.".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&pointer, value), text);
    }
}

#[test]
fn what_awsvpc_does_not_support_is_refused_in_the_words_of_aws() {
    for (member, value, text) in [
        ("links", json!(["x"]), "Links are not supported when networkMode=awsvpc."),
        ("hostname", json!("x"), "hostname is not supported on container when networkMode=awsvpc."),
        (
            "dnsServers",
            json!(["10.0.0.1"]),
            "DNS servers are not supported on container when networkMode=awsvpc.",
        ),
        (
            "extraHosts",
            json!([{"hostname": "a", "ipAddress": "10.0.0.1"}]),
            "Extra hosts are not supported on container when networkMode=awsvpc.",
        ),
        (
            "disableNetworking",
            json!(true),
            "Disable Networking is not supported on container when networkMode=awsvpc.",
        ),
        (
            "portMappings",
            json!([{"containerPortRange": "80-90"}, {"containerPort": 85}]),
            "TCP container port '85' is used multiple times in task when networkMode=awsvpc.",
        ),
        (
            "portMappings",
            json!([{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]),
            "When networkMode=awsvpc, port mapping name is already used",
        ),
        (
            "portMappings",
            json!([{"containerPort": 80, "hostPort": 81}]),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        ),
    ] {
        assert_eq!(refusal(&format!("{C}/{member}"), value), text);
    }
}

#[test]
fn what_does_not_fit_into_the_task_or_into_itself_is_refused_in_the_words_of_aws() {
    let shared = json!({"name": "c", "image": "i", "environment": [{"name": "A", "value": "x"}],
        "secrets": [{"name": "A", "valueFrom": "a"}]});
    for (pointer, value, text) in [
        (
            format!("{C}/memory"),
            json!(4096),
            "The 'memory' setting for container 'c' is greater than for the task.",
        ),
        (
            format!("{C}/cpu"),
            json!(512),
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        ),
        (
            C.to_owned(),
            shared,
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'.",
        ),
        (
            C.to_owned(),
            json!({"name": "c", "image": "i", "memory": 128, "memoryReservation": 256}),
            "Invalid setting for container 'c'. 'memory' must be greater than or equal to 'memoryReservation'.",
        ),
        (format!("{C}/image"), json!("$IMAGE"), "Container.image contains invalid characters."),
        (format!("{C}/essential"), json!(false), "Task definition doesn't have any essential container."),
        (
            format!("{C}/healthCheck"),
            json!({"command": ["CMD", "true"], "interval": 301}),
            "Health check interval must be less than or equal to the maximum allowed value 300 for container 'c'",
        ),
        (
            format!("{C}/restartPolicy"),
            json!({"enabled": true, "restartAttemptPeriod": 59}),
            "The 'restartAttemptPeriod' setting for container 'c' must be between 60 and 1800.",
        ),
        (
            format!("{C}/logConfiguration"),
            json!({"logDriver": "awslogs", "options": {"awslogs-region": "r"}}),
            "Log driver awslogs requires options: awslogs-group",
        ),
        (format!("{C}/mountPoints"), json!([{"sourceVolume": "nope"}]), "Unknown volume 'nope'."),
        (
            format!("{C}/portMappings"),
            json!([{"containerPortRange": "90-80"}]),
            "Invalid 'containerPortRange' setting for container 'c'.",
        ),
        (
            "/volumes".to_owned(),
            json!([{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "authorizationConfig": {"iam": "ENABLED"}}}]),
            "EFS IAM authorization requires TransitEncryption to be enabled.",
        ),
    ] {
        assert_eq!(refusal(&pointer, value), text);
    }
}

#[test]
fn what_is_wrong_with_the_whole_is_refused_in_the_words_of_aws() {
    for (pointer, value, text) in [
        ("/containerDefinitions", json!([]), "Container list cannot be empty."),
        (
            "/containerDefinitions/-",
            json!({"name": "c", "image": "i"}),
            "Container names must be unique within a task definition.",
        ),
        ("/inferenceAccelerators", json!([]), "Unsupported field 'inferenceAccelerators'."),
        ("/cpu", json!("lots"), "Invalid 'cpu' setting for task."),
        ("/family", json!("a b"), "Family contains invalid characters."),
    ] {
        assert_eq!(refusal(pointer, value), text);
    }
    answer(&[("/requiresCompatibilities", json!([]))]).expect("instances take it, too");
    let elsewhere =
        [("/requiresCompatibilities", json!(["EC2"])), ("/ephemeralStorage", json!({"sizeInGiB": 30}))];
    let error = answer(&elsewhere).expect_err("instances have a disk");
    assert_eq!(error.message, "Tasks using the EC2 launch type do not support EphemeralStorage.");
    let sizeless = [("/requiresCompatibilities", json!(["EC2"])), ("/memory", json!(null))];
    assert!(answer(&sizeless).expect_err("no memory").message.contains("'memory' or 'memoryReservation'"));
}

#[test]
fn what_containers_wait_for_must_be_able_to_happen() {
    let side = |condition: &str, essential: bool| {
        json!([
            {"name": "c", "image": "i", "dependsOn": [{"containerName": "side", "condition": condition}]},
            {"name": "side", "image": "i", "essential": essential},
        ])
    };
    let texts = [("SUCCESS", true), ("HEALTHY", true)]
        .map(|(condition, essential)| refusal("/containerDefinitions", side(condition, essential)));
    assert_eq!(
        texts,
        [
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
            "A dependency container with HEALTHY condition must have health check configured",
        ]
    );
    answer(&[("/containerDefinitions", side("SUCCESS", false))]).expect("it may end");
    let nobody = refusal(&format!("{C}/dependsOn"), json!([{"containerName": "nope", "condition": "START"}]));
    assert_eq!(nobody, "Cannot depend on container + 'nope' because it does not exist");
    let one = |name: &str, other: &str| json!({"name": name, "image": "i", "dependsOn": [{"containerName": other, "condition": "START"}]});
    assert!(refusal("/containerDefinitions", json!([one("a", "b"), one("b", "a")])).contains("cycle"));
}

#[test]
fn fargate_sizes_follow_the_table() {
    let fits = |cpu: &str, memory: &str| answer(&[("/cpu", json!(cpu)), ("/memory", json!(memory))]).is_ok();
    assert!(fits("256", "512") && fits(".5 vCPU", "1 GB") && fits("1024", "8192") && fits("8192", "20480"));
    assert!(!fits("256", "4096") && !fits("1024", "1024") && !fits("8192", "17408") && !fits("300", "512"));
}
