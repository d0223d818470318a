//! Trees with every field, for tests.

use crate::model::resource::Tree;
use serde_json::json;

/// Every field that a task definition can declare, with a value other than its default.
pub(crate) fn full_definition() -> Tree {
    json!({
        "family": "shop-web", "cpu": "512", "memory": "1024", "networkMode": "awsvpc",
        "executionRoleArn": "arn:aws:iam::111122223333:role/exec",
        "taskRoleArn": "arn:aws:iam::111122223333:role/task",
        "requiresCompatibilities": ["FARGATE", "EC2"],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGiB": 30}, "ipcMode": "task", "pidMode": "task",
        "volumes": [
            {"name": "a", "host": {"sourcePath": "/data"}, "configuredAtLaunch": false},
            {"name": "b", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true, "driver": "local",
                "driverOpts": {"type": "tmpfs"}, "labels": {"x": "y"}}},
            {"name": "c", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/",
                "transitEncryption": "ENABLED", "transitEncryptionPort": 2999,
                "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"}}},
        ],
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:zone == a"}],
        "proxyConfiguration": {"type": "APPMESH", "containerName": "envoy",
            "properties": [{"name": "ProxyIngressPort", "value": "15000"}]},
        "enableFaultInjection": true,
        "containerDefinitions": [full_container()],
    })
}

fn full_container() -> Tree {
    let mut container = json!({
        "name": "web", "image": "shop/web:1.4.2", "cpu": 256, "memory": 512, "memoryReservation": 256,
        "essential": false,
        "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "udp", "name": "http",
            "appProtocol": "http2", "containerPortRange": "8000-8010"}],
        "environment": [{"name": "A", "value": ""}, {"name": "B", "value": "1"}],
        "environmentFiles": [{"value": "arn:aws:s3:::b/k.env", "type": "s3"}],
        "secrets": [{"name": "S", "valueFrom": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf"}],
        "entryPoint": ["/init"], "command": ["serve", "--port", "8080"], "workingDirectory": "/srv", "user": "1000:1000",
        "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 10, "timeout": 4, "retries": 2, "startPeriod": 15},
        "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
        "mountPoints": [{"sourceVolume": "a", "containerPath": "/data", "readOnly": true}],
        "volumesFrom": [{"sourceContainer": "init", "readOnly": true}],
        "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}],
        "startTimeout": 60, "stopTimeout": 120, "readonlyRootFilesystem": true,
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/shop"},
            "secretOptions": [{"name": "token", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/t"}]},
        "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
        "dockerLabels": {"team": "shop"}, "dockerSecurityOptions": ["no-new-privileges"],
    });
    let more = json!({
        "linuxParameters": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "devices": [{"hostPath": "/dev/x", "containerPath": "/dev/y", "permissions": ["read", "write"]}],
            "initProcessEnabled": true, "sharedMemorySize": 64,
            "tmpfs": [{"containerPath": "/tmp", "size": 16, "mountOptions": ["noexec"]}], "maxSwap": 8, "swappiness": 10},
        "systemControls": [{"namespace": "net.core.somaxconn", "value": "1024"}],
        "resourceRequirements": [{"type": "GPU", "value": "1"}],
        "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:r-AbCdEf"},
        "restartPolicy": {"enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
        "privileged": true, "interactive": true, "pseudoTerminal": true, "links": ["db"], "hostname": "web",
        "dnsServers": ["10.0.0.2"], "dnsSearchDomains": ["internal"],
        "extraHosts": [{"hostname": "db", "ipAddress": "10.0.0.3"}], "disableNetworking": true,
        "credentialSpecs": ["credentialspec:arn:aws:s3:::b/spec"], "versionConsistency": "disabled",
    });
    let (Tree::Object(fields), Tree::Object(more)) = (&mut container, more) else {
        panic!("both are objects")
    };
    fields.extend(more);
    container
}

fn full_service_connect() -> Tree {
    json!({
        "enabled": true, "namespace": "shop",
        "services": [{"portName": "http", "discoveryName": "web", "ingressPortOverride": 15000,
            "clientAliases": [{"port": 80, "dnsName": "web.shop",
                "testTrafficRules": {"header": {"name": "x-test", "value": {"exact": "yes"}}}}],
            "timeout": {"idleTimeoutSeconds": 60, "perRequestTimeoutSeconds": 5},
            "tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/a"},
                "kmsKey": "arn:aws:kms:eu-west-1:111122223333:key/k", "roleArn": "arn:aws:iam::111122223333:role/tls"}}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/proxy"},
            "secretOptions": [{"name": "token", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/t"}]},
        "accessLogConfiguration": {"format": "JSON", "includeQueryParameters": "ENABLED"},
        "containerConfigurations": [{"logLevel": "debug"}],
    })
}

/// Every field of ECS's that a service can declare, in CreateService's form.
pub(crate) fn full_service() -> Tree {
    json!({
        "cluster": "main", "serviceName": "shop-web", "taskDefinition": "shop-web:3", "desiredCount": 2,
        "launchType": "FARGATE",
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 3}],
        "platformVersion": "1.4.0", "schedulingStrategy": "REPLICA",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"],
            "assignPublicIp": "ENABLED"}},
        "loadBalancers": [{"targetGroupArn": "arn:tg", "containerName": "web", "containerPort": 8080,
            "advancedConfiguration": {"alternateTargetGroupArn": "arn:tg2", "productionListenerRule": "arn:rule",
                "testListenerRule": "arn:rule2", "roleArn": "arn:aws:iam::111122223333:role/lb"}}],
        "serviceRegistries": [{"registryArn": "arn:sd", "port": 80, "containerName": "web", "containerPort": 8080}],
        "serviceConnectConfiguration": full_service_connect(),
        "volumeConfigurations": [{"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::111122223333:role/ebs",
            "sizeInGiB": 20, "snapshotId": "snap-1", "volumeType": "gp3", "iops": 3000, "throughput": 125,
            "volumeInitializationRate": 100, "filesystemType": "xfs", "encrypted": true, "kmsKeyId": "key",
            "tagSpecifications": [{"resourceType": "volume", "propagateTags": "SERVICE",
                "tags": [{"key": "team", "value": "shop"}]}]}}],
        "deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 150,
            "deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false,
                "thresholdConfiguration": {"type": "COUNT", "value": 4}},
            "lifecycleHooks": [
                {"targetType": "AWS_LAMBDA", "lifecycleStages": ["PRE_SCALE_UP"],
                    "hookTargetArn": "arn:aws:lambda:eu-west-1:111122223333:function:check",
                    "roleArn": "arn:aws:iam::111122223333:role/hooks",
                    "hookDetails": {"suite": ["smoke", 1], "strict": true}},
                {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
                    "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "CONTINUE"}}],
            "earlySuccessCriteria": {"enable": true, "healthyPercent": 80, "sourceServiceRevisionCleanup": "DEFERRED"},
            "alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true},
            "strategy": "CANARY", "bakeTimeInMinutes": 5,
            "linearConfiguration": {"stepPercent": 12.5, "stepBakeTimeInMinutes": 7},
            "canaryConfiguration": {"canaryPercent": 5, "canaryBakeTimeInMinutes": 9}},
        "healthCheckGracePeriodSeconds": 120, "enableExecuteCommand": true, "enableECSManagedTags": true,
        "propagateTags": "SERVICE", "availabilityZoneRebalancing": "ENABLED",
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:zone == a"}],
        "placementStrategy": [{"type": "spread", "field": "instanceId"}],
        "deploymentController": {"type": "ECS"},
        "tags": [{"key": "evenkeel.dev/owner", "value": "shop"}],
    })
}
