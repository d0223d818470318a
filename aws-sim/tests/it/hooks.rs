//! Lifecycle hooks hold a deployment until they are answered.

use crate::support::{Bench, bench, count, newest, pass, rollout};
use serde_json::{Value, json};

const HOOKS: &str = r#"[
    {"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:check",
     "roleArn": "arn:aws:iam::123456789012:role/hooks", "hookDetails": {"suite": ["smoke"], "strict": null}},
    {"lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"], "targetType": "PAUSE",
     "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"}}]"#;

/// A service that shifts traffic, with these hooks, that rolls to its second revision.
async fn hooked(bench: &Bench, hooks: &Value) -> (String, String) {
    let (one, two) = (bench.define("web", "nginx:1").await, bench.define("web", "nginx:2").await);
    let more = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN", "lifecycleHooks": hooks}});
    let made = bench.create("web", &one, 1, more).await;
    assert_eq!(&made["deploymentConfiguration"]["lifecycleHooks"], hooks);
    bench.steady("web").await;
    bench.update("web", json!({"taskDefinition": two})).await.unwrap();
    (one, two)
}

async fn resolve(bench: &Bench, action: &str) -> Value {
    let deployment = newest(bench).await;
    let hooks = deployment["lifecycleHookDetails"].as_array().unwrap();
    let hook = hooks.iter().find(|hook| hook["status"] == "AWAITING_ACTION").unwrap();
    let input = json!({"serviceDeploymentArn": deployment["serviceDeploymentArn"], "hookId": hook["hookId"],
        "action": action});
    bench.ecs("ContinueServiceDeployment", input.clone()).await.unwrap();
    let (code, _) = bench.ecs("ContinueServiceDeployment", input).await.unwrap_err();
    assert_eq!(code, "InvalidParameterException");
    deployment["lifecycleStage"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_pause_hook_holds_its_deployment_at_each_stage_until_it_is_continued() {
    let bench = bench(21);
    let (one, two) = hooked(&bench, &serde_json::from_str(HOOKS).unwrap()).await;
    pass(600).await;
    let service = bench.show("web").await;
    assert_eq!((count(&service, "runningCount"), count(&service["deployments"][0], "runningCount")), (1, 0));
    assert_eq!(service["deployments"][1]["taskDefinition"], one);
    let hooks = newest(&bench).await["lifecycleHookDetails"].clone();
    assert_eq!((&hooks[0]["status"], &hooks[0]["targetType"]), (&json!("SUCCEEDED"), &json!("AWS_LAMBDA")));
    assert_eq!(resolve(&bench, "CONTINUE").await, "PRE_SCALE_UP");
    pass(600).await;
    let service = bench.show("web").await;
    assert_eq!((rollout(&service), count(&service["deployments"][0], "runningCount")), ("IN_PROGRESS", 1));
    assert_eq!(resolve(&bench, "CONTINUE").await, "POST_SCALE_UP");
    assert_eq!(bench.steady("web").await["taskDefinition"], two);
    assert_eq!(newest(&bench).await["status"], "SUCCESSFUL");
}

#[tokio::test(start_paused = true)]
async fn a_pause_hook_that_nobody_answers_or_that_is_refused_rolls_its_deployment_back() {
    let hooks: Value = serde_json::from_str(HOOKS).unwrap();
    let patient = bench(22);
    let (one, _) = hooked(&patient, &hooks).await;
    patient.until("web", 1900, |service| service["taskDefinition"] == json!(one)).await;
    let timed_out = newest(&patient).await;
    assert_eq!(timed_out["lifecycleHookDetails"][1]["status"], "TIMED_OUT");
    let refused = bench(23);
    let (one, _) = hooked(&refused, &hooks).await;
    pass(60).await;
    resolve(&refused, "ROLLBACK").await;
    assert_eq!(refused.steady("web").await["taskDefinition"], one);
    assert_eq!(newest(&refused).await["status"], "ROLLBACK_SUCCESSFUL");
    let forgiving = bench(24);
    let pause = json!([{"lifecycleStages": ["PRE_SCALE_UP"], "targetType": "PAUSE",
        "timeoutConfiguration": {"timeoutInMinutes": 5, "action": "CONTINUE"}}]);
    let (_, two) = hooked(&forgiving, &pause).await;
    pass(200).await;
    assert_eq!(count(&forgiving.show("web").await["deployments"][0], "runningCount"), 0);
    assert_eq!(forgiving.steady("web").await["taskDefinition"], two);
}
