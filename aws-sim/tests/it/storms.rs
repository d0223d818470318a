//! Storms: whatever is done to services, the bounds hold, and once it is over they come to rest.

use serde_json::json;

use crate::support::{Bench, REGION, bench, is_steady, pass, rollout};

/// What must hold at every moment.
fn check(bench: &Bench, scaled_in: bool) {
    bench.sim.with(|world| {
        for service in world.region(REGION).ecs.services() {
            let alive = service.running + service.pending;
            assert!(scaled_in || alive <= service.upper, "{service:?}");
            assert!(service.deployments >= 1, "{service:?}");
        }
    });
}

async fn strike(bench: &Bench, rng: &mut fastrand::Rng, definitions: &[String]) -> bool {
    match rng.u32(0..6) {
        0 => {
            let count = rng.u32(0..6);
            bench.update("web", json!({"desiredCount": count})).await.unwrap();
            return true;
        }
        1 => {
            let listed =
                bench.ecs("ListTasks", json!({"cluster": "prod", "serviceName": "web"})).await.unwrap();
            if let Some(task) = listed["taskArns"].as_array().and_then(|all| all.first()) {
                bench.ecs("StopTask", json!({"cluster": "prod", "task": task})).await.unwrap();
            }
        }
        2 => {
            bench.update("web", json!({"forceNewDeployment": true})).await.unwrap();
        }
        _ => {
            let definition = &definitions[rng.usize(0..definitions.len())];
            bench.update("web", json!({"taskDefinition": definition})).await.unwrap();
        }
    }
    false
}

async fn storm(seed: u64, balanced: bool) {
    let bench = bench(seed);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut definitions = Vec::new();
    for image in ["web:1", "web:2", "web:crash", "web:unpullable", "web:slow", "web:unhealthy"] {
        definitions.push(bench.define("web", image).await);
    }
    let group = bench.target_group("web");
    let breaker = json!({"enable": rng.bool(), "rollback": false});
    let mut more = json!({"deploymentConfiguration": {"minimumHealthyPercent": 50, "maximumPercent": 150,
        "deploymentCircuitBreaker": breaker}});
    if balanced {
        more["loadBalancers"] =
            json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]);
    }
    bench.create("web", &definitions[0], 3, more).await;
    // Tasks that a scaling in leaves over are stopped within moments, not at once.
    let mut quiet = 0;
    for _ in 0..12 {
        if strike(&bench, &mut rng, &definitions).await {
            quiet = 60;
        }
        for _ in 0..rng.u32(1..40) {
            pass(1).await;
            quiet = u32::saturating_sub(quiet, 1);
            check(&bench, quiet > 0);
        }
    }
    bench.update("web", json!({"taskDefinition": definitions[1], "desiredCount": 4})).await.unwrap();
    let done = |service: &serde_json::Value| {
        rollout(service) == "COMPLETED"
            && is_steady(service)
            && service["runningCount"] == 4
            && service["pendingCount"] == 0
    };
    let service = bench.until("web", 2000, done).await;
    assert_eq!(
        (service["deployments"].as_array().unwrap().len(), &service["taskDefinition"]),
        (1, &json!(definitions[1]))
    );
    if balanced {
        assert_eq!(bench.target_states(&group), ["healthy"; 4]);
    }
}

#[tokio::test(start_paused = true)]
async fn services_come_to_rest_after_any_storm() {
    for seed in 0..40 {
        storm(seed, seed % 2 == 0).await;
    }
}
