//! Task definitions, clusters, paging and tags.

use serde_json::json;

use crate::support::bench;

#[tokio::test(start_paused = true)]
async fn revisions_count_up_and_an_inactive_one_can_still_be_read() {
    let bench = bench(1);
    let (one, two) = (bench.define("web", "a:1").await, bench.define("web", "a:2").await);
    assert!(one.ends_with(":task-definition/web:1") && two.ends_with("web:2"));
    bench.ecs("DeregisterTaskDefinition", json!({"taskDefinition": "web:2"})).await.unwrap();
    let newest = bench.ecs("DescribeTaskDefinition", json!({"taskDefinition": "web"})).await.unwrap();
    assert_eq!(newest["taskDefinition"]["revision"], 1);
    let gone = bench.ecs("DescribeTaskDefinition", json!({"taskDefinition": two})).await.unwrap();
    assert_eq!(gone["taskDefinition"]["status"], "INACTIVE");
    assert!(gone["taskDefinition"]["deregisteredAt"].is_number());
    assert!(bench.define("web", "a:3").await.ends_with("web:3"));
    let unknown = bench.ecs("DescribeTaskDefinition", json!({"taskDefinition": "none"})).await.unwrap_err();
    assert_eq!(unknown, ("ClientException".to_owned(), "Unable to describe task definition.".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn any_field_of_the_api_can_be_registered_and_read_back() {
    let bench = bench(2);
    let container = json!({"name": "c", "image": "i", "memory": 64, "linuxParameters": {"initProcessEnabled": true,
        "tmpfs": [{"containerPath": "/t", "size": 8}]}, "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
        "dockerLabels": {"a": "b"}, "restartPolicy": {"enabled": true, "ignoredExitCodes": [0]}, "stopTimeout": 5});
    let input = json!({"family": "f", "containerDefinitions": [container], "pidMode": "host"});
    bench.ecs("RegisterTaskDefinition", input).await.unwrap();
    let read = bench.ecs("DescribeTaskDefinition", json!({"taskDefinition": "f"})).await.unwrap();
    for (name, value) in container.as_object().unwrap() {
        assert_eq!(&read["taskDefinition"]["containerDefinitions"][0][name], value, "{name}");
    }
    assert_eq!(read["taskDefinition"]["pidMode"], "host");
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_and_batches_have_limits() {
    let bench = bench(3);
    let definition = bench.define("web", "a:1").await;
    for number in 0..12 {
        bench.create(&format!("s{number:02}"), &definition, 0, json!({})).await;
    }
    let first = bench.ecs("ListServices", json!({"cluster": "prod"})).await.unwrap();
    assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
    let second =
        bench.ecs("ListServices", json!({"cluster": "prod", "nextToken": first["nextToken"]})).await.unwrap();
    assert_eq!(second["serviceArns"].as_array().unwrap().len(), 2);
    assert!(second.get("nextToken").is_none());
    let eleven: Vec<String> = (0..11).map(|number| format!("s{number:02}")).collect();
    let refused =
        bench.ecs("DescribeServices", json!({"cluster": "prod", "services": eleven})).await.unwrap_err();
    assert_eq!(refused.0, "InvalidParameterException");
    let missing =
        bench.ecs("DescribeServices", json!({"cluster": "prod", "services": ["s00", "none"]})).await.unwrap();
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
    let broken = bench.ecs("ListServices", json!({"cluster": "prod", "nextToken": "x"})).await.unwrap_err();
    assert_eq!(broken.0, "InvalidParameterException");
    let order =
        bench.ecs("ListTaskDefinitions", json!({"familyPrefix": "we", "sort": "DESC"})).await.unwrap();
    assert_eq!(order["taskDefinitionArns"], json!([]), "a family is named in full");
}

#[tokio::test(start_paused = true)]
async fn tags_are_added_replaced_and_removed() {
    let bench = bench(4);
    let definition = bench.define("web", "a:1").await;
    let service = bench.create("web", &definition, 0, json!({"tags": [{"key": "a", "value": "1"}]})).await;
    let arn = &service["serviceArn"];
    let tags = json!([{"key": "a", "value": "2"}, {"key": "b", "value": "3"}]);
    bench.ecs("TagResource", json!({"resourceArn": arn, "tags": tags})).await.unwrap();
    assert_eq!(bench.show("web").await["tags"], tags);
    bench.ecs("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]})).await.unwrap();
    let left = bench.ecs("ListTagsForResource", json!({"resourceArn": arn})).await.unwrap();
    assert_eq!(left["tags"], json!([{"key": "b", "value": "3"}]));
    let reserved = json!({"resourceArn": arn, "tags": [{"key": "aws:x", "value": "1"}]});
    assert_eq!(bench.ecs("TagResource", reserved).await.unwrap_err().0, "InvalidParameterException");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_in_use_cannot_be_deleted() {
    let bench = bench(5);
    let definition = bench.define("web", "a:1").await;
    bench.create("web", &definition, 0, json!({})).await;
    let refused = bench.ecs("DeleteCluster", json!({"cluster": "prod"})).await.unwrap_err();
    assert_eq!(refused.0, "ClusterContainsServicesException");
    let missing = bench.ecs("DescribeClusters", json!({"clusters": ["prod", "none"]})).await.unwrap();
    assert_eq!(
        (&missing["clusters"][0]["activeServicesCount"], &missing["failures"][0]["reason"]),
        (&json!(1), &json!("MISSING"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_capacity_provider_shows_awss_defaults_and_can_be_tagged() {
    let bench = bench(9);
    let group = "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:1:autoScalingGroupName/a";
    let input = json!({"name": "ec2", "autoScalingGroupProvider": {"autoScalingGroupArn": group,
        "managedScaling": {"status": "ENABLED", "targetCapacity": 90}}});
    let made = bench.ecs("CreateCapacityProvider", input).await.unwrap()["capacityProvider"].clone();
    let expected = json!({"autoScalingGroupArn": group, "managedTerminationProtection": "DISABLED", "managedScaling": {
        "status": "ENABLED", "targetCapacity": 90, "minimumScalingStepSize": 1, "maximumScalingStepSize": 10000,
        "instanceWarmupPeriod": 300}});
    assert_eq!(made["autoScalingGroupProvider"], expected);
    let tags = json!([{"key": "team", "value": "a"}]);
    let arn = &made["capacityProviderArn"];
    bench.ecs("TagResource", json!({"resourceArn": arn, "tags": tags})).await.unwrap();
    let listed = bench.ecs("ListTagsForResource", json!({"resourceArn": arn})).await.unwrap();
    assert_eq!(listed["tags"], tags);
    let seen = bench.ecs("DescribeCapacityProviders", json!({"capacityProviders": ["ec2"]})).await.unwrap();
    assert_eq!(seen["capacityProviders"][0]["tags"], tags);
}

#[tokio::test(start_paused = true)]
async fn the_configuration_of_a_cluster_is_repeated_in_the_answer_that_sets_it() {
    let bench = bench(10);
    let configuration = json!({"executeCommandConfiguration": {"logging": "NONE"}});
    let input = json!({"cluster": "prod", "configuration": configuration});
    let answer = bench.ecs("UpdateCluster", input).await.unwrap();
    assert_eq!(answer["cluster"]["configuration"], configuration);
    let shown = bench.ecs("DescribeClusters", json!({"clusters": ["prod"]})).await.unwrap();
    assert!(shown["clusters"][0].get("configuration").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_revision_is_said_in_the_words_of_aws() {
    let bench = bench(11);
    bench.define("web", "a:1").await;
    for (reference, code, text) in [
        ("web", "ClientException", "Revision is missing."),
        ("web:latest", "InvalidParameterException", "Invalid revision number. Number: latest"),
        ("web:9", "ClientException", "The specified task definition does not exist."),
    ] {
        let input = json!({"taskDefinition": reference});
        let refusal = bench.ecs("DeregisterTaskDefinition", input).await.unwrap_err();
        assert_eq!(refusal, (code.to_owned(), text.to_owned()));
    }
}
