//! Faults, limits, stale reads, and that equal seeds give equal traces.

use std::sync::{Arc, Mutex};

use aws_sim::{
    Moment, Sim,
    consistency::Consistency,
    control,
    faults::{Effect, FaultRule, When},
    wire::Service,
};
use serde_json::json;

use crate::support::{Bench, REGION, bench, pass, request};

#[tokio::test(start_paused = true)]
async fn a_lost_reply_took_effect_and_a_reset_did_not() {
    let bench = bench(1);
    bench.sim.faults().add(FaultRule::on("CreateCluster", Effect::LostReply).resource("lost"));
    bench.sim.faults().add(FaultRule::on("CreateCluster", Effect::Reset).resource("reset"));
    for name in ["lost", "reset"] {
        assert_eq!(bench.ecs("CreateCluster", json!({"clusterName": name})).await.unwrap_err().0, "Broken");
    }
    let known = bench.ecs("DescribeClusters", json!({"clusters": ["lost", "reset"]})).await.unwrap();
    assert_eq!(known["clusters"].as_array().unwrap().len(), 1);
    assert_eq!(known["clusters"][0]["clusterName"], "lost");
}

#[tokio::test(start_paused = true)]
async fn errors_delays_and_silence_come_when_their_time_has_come() {
    let bench = bench(2);
    bench.sim.faults().add(FaultRule::on("ecs:ListClusters", Effect::throttle()).when(When::EveryNth(3)));
    let mut codes = vec![];
    for _ in 0..6 {
        codes.push(bench.ecs("ListClusters", json!({})).await.map_err(|refusal| refusal.0).err());
    }
    let throttled = Some("ThrottlingException".to_owned());
    assert_eq!(codes, [None, None, throttled.clone(), None, None, throttled]);
    bench.sim.faults().clear();
    bench.sim.faults().add(FaultRule::on("ListClusters", Effect::Delay(30.0)).when(When::Once));
    let before = bench.sim.now();
    bench.ecs("ListClusters", json!({})).await.unwrap();
    assert_eq!(bench.sim.now().duration_since(before).as_secs(), 30);
    bench.sim.faults().add(FaultRule::on("ListClusters", Effect::Never));
    let silent =
        tokio::time::timeout(std::time::Duration::from_secs(60), bench.ecs("ListClusters", json!({}))).await;
    assert!(silent.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_duplicated_request_is_executed_twice() {
    let bench = bench(3);
    bench.sim.faults().add(FaultRule::on("RegisterTaskDefinition", Effect::Duplicate));
    assert!(bench.define("web", "a:1").await.ends_with("web:2"));
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_does_not_know_the_newest_writes() {
    let bench = bench(4);
    bench.sim.faults().add(FaultRule::on("DescribeServices", Effect::StaleRead(5.0)));
    let definition = bench.define("web", "a:1").await;
    bench.create("web", &definition, 1, json!({})).await;
    let read = || bench.ecs("DescribeServices", json!({"cluster": "prod", "services": ["web"]}));
    assert_eq!(read().await.unwrap()["failures"][0]["reason"], "MISSING");
    pass(6).await;
    assert_eq!(read().await.unwrap()["services"][0]["serviceName"], "web");
}

#[tokio::test(start_paused = true)]
async fn published_rates_hold_when_they_are_switched_on() {
    let sim = Sim::builder().rate_limits(true).build();
    sim.seed_world(&json!({"region": REGION, "clusters": ["prod"]})).unwrap();
    let bench = Bench { sim };
    let mut served = 0;
    for _ in 0..60 {
        served += u32::from(bench.ecs("ListClusters", json!({})).await.is_ok());
    }
    assert_eq!(served, 50);
    pass(1).await;
    assert!(bench.ecs("ListClusters", json!({})).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_and_observers_hear_of_them() {
    let bench = bench(5);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    bench.sim.on_call(move |moment| {
        let text = match moment {
            Moment::Before { request } => format!("before {}", request.operation),
            Moment::After { call, .. } => format!("after {} {}", call.operation, call.status),
        };
        notes.lock().unwrap().push(text);
    });
    bench.ecs("ListClusters", json!({})).await.unwrap();
    bench.ecs("DeleteCluster", json!({"cluster": "none"})).await.unwrap_err();
    let expected =
        ["before ListClusters", "after ListClusters 200", "before DeleteCluster", "after DeleteCluster 400"];
    assert_eq!(*heard.lock().unwrap(), expected);
    let counts = bench.sim.counts();
    assert_eq!((counts.reads, counts.writes, counts.of("ecs", "DeleteCluster")), (1, 1, 1));
    assert_eq!(bench.sim.calls()[1].error.as_deref(), Some("ClusterNotFoundException"));
    bench.sim.reset_calls();
    assert_eq!((bench.sim.counts().total(), bench.sim.calls().len()), (0, 0));
}

async fn trace_of(seed: u64) -> u64 {
    let sim = Sim::builder()
        .seed(seed)
        .eventual_consistency(Consistency { probability: 0.3, lag_seconds: 4.0 })
        .latency(std::time::Duration::from_millis(5), std::time::Duration::from_millis(80))
        .build();
    sim.seed_world(&json!({"region": REGION, "clusters": ["prod"]})).unwrap();
    sim.faults().add(FaultRule::on("Describe*", Effect::server_error()).when(When::Probability(0.2)));
    let bench = Bench { sim };
    let (one, two) = (bench.define("web", "a:1").await, bench.define("web", "a:crash").await);
    bench.create("web", &one, 3, json!({})).await;
    for step in 0..200 {
        if step == 60 {
            bench.update("web", json!({"taskDefinition": two})).await.unwrap();
        }
        let input = json!({"cluster": "prod", "services": ["web"]}).to_string();
        bench.sim.exchange(request(Service::Ecs, "DescribeServices", input)).await.unwrap();
        pass(1).await;
    }
    bench.sim.trace_hash()
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let first = trace_of(42).await;
    assert_eq!(first, trace_of(42).await);
    assert_ne!(first, trace_of(43).await);
}

#[tokio::test(start_paused = true)]
async fn regions_know_nothing_of_each_other() {
    let bench = bench(6);
    let mut elsewhere = request(Service::Ecs, "ListClusters", "{}".to_owned());
    elsewhere.region = "us-west-2".to_owned();
    let response = bench.sim.exchange(elsewhere).await.unwrap();
    assert_eq!(response.body, br#"{"clusterArns":[]}"#);
}

#[tokio::test(start_paused = true)]
async fn the_control_interface_does_what_the_handle_does() {
    let bench = bench(7);
    let call =
        |method: &str, path: &str, body: &str| control::answer(&bench.sim, method, path, body.as_bytes());
    let rule =
        r#"{"operation": "ListClusters", "effect": {"error": {"status": 500, "code": "ServerException"}}}"#;
    assert_eq!(call("POST", "/_sim/faults", rule), (200, json!({"added": 1})));
    assert_eq!(bench.ecs("ListClusters", json!({})).await.unwrap_err().0, "ServerException");
    assert_eq!(call("GET", "/_sim/faults", "").1[0]["matched"], 1);
    call("DELETE", "/_sim/faults", "");
    let behaviour = r#"[{"image": "*bad*", "behaviour": {"exitCode": 3, "exitAfterSeconds": 1}}]"#;
    assert_eq!(call("POST", "/_sim/behaviours", behaviour).0, 200);
    assert_eq!(call("GET", "/_sim/calls", "").1["counts"]["reads"], 1);
    let definition = bench.define("web", "a:1").await;
    bench.create("web", &definition, 1, json!({})).await;
    bench.steady("web").await;
    let task = call("GET", "/_sim/tasks", "").1[0]["task"].as_str().unwrap().to_owned();
    assert_eq!(call("POST", "/_sim/kill", &format!("{{\"task\": \"{task}\"}}")).0, 200);
    assert_eq!(call("GET", "/_sim/services", "").1[0]["running"], 0);
    assert_eq!((call("GET", "/_sim/nope", "").0, call("POST", "/_sim/faults", "{").0), (404, 400));
}

#[tokio::test(start_paused = true)]
async fn the_control_interface_sends_requests_and_counts_them() {
    let bench = bench(9);
    let seed = json!({"region": REGION, "loadBalancers": [{"name": "main", "listeners": [{"port": 80}]}]});
    bench.sim.seed_world(&seed).unwrap();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    let call =
        |method: &str, path: &str, body: &str| control::answer(&bench.sim, method, path, body.as_bytes()).1;
    let one = call("POST", "/_sim/requests", r#"{"loadBalancer": "main", "host": "shop.example"}"#);
    assert_eq!((&one["outcome"], &one["status"]), (&json!("fixed"), &json!(404)), "{one}");
    let two =
        call("POST", "/_sim/requests", r#"[{"loadBalancer": "main"}, {"loadBalancer": "main", "port": 81}]"#);
    assert_eq!(two[1]["outcome"], "lost", "{two}");
    let counted = json!({"main:80": {"served": 0, "answered": 2, "lost": 0}, "main:81": {"served": 0, "answered": 0, "lost": 1}});
    assert_eq!(call("GET", "/_sim", "")["traffic"], counted);
    let wave = call("GET", "/_sim/requests", "");
    assert_eq!(wave[0]["answers"][0]["status"], 404, "{wave}");
}

#[tokio::test(start_paused = true)]
async fn a_seed_can_be_given_twice() {
    let bench = bench(8);
    let seed = json!({"region": REGION, "clusters": ["a", {"name": "b", "capacityProviders": ["FARGATE"]}],
        "secrets": [{"name": "x/y", "value": {"k": "v"}}], "logGroups": ["/g"],
        "loadBalancers": [{"name": "main", "listeners": [{"port": 443, "protocol": "HTTPS"}, {"port": 80}]}]});
    let first = bench.sim.seed_world(&seed).unwrap();
    assert_eq!(first, bench.sim.seed_world(&seed).unwrap());
    assert!(first["listeners"]["main:443"].as_str().unwrap().contains(":listener/app/main/"));
    let wrong = bench.sim.seed_world(&json!({"cluster": []})).unwrap_err();
    assert!(wrong.message.contains("\"cluster\" is none of"), "{wrong}");
}
