//! Speed, as a test that anyone can run: `cargo test --release -p aws-sim --test it speed -- --ignored --nocapture`.

use aws_sim::wire::Service;
use serde_json::json;

use crate::support::{bench, pass, request};

#[tokio::test(start_paused = true)]
#[ignore = "a measurement, for release builds"]
async fn speed_of_describing_ten_services() {
    let bench = bench(1);
    let definition = bench.define("web", "a:1").await;
    for number in 0..1000 {
        bench.create(&format!("s{number:04}"), &definition, 1, json!({})).await;
    }
    pass(120).await;
    let body = |from: u32| {
        let names: Vec<String> = (from..from + 10).map(|number| format!("s{number:04}")).collect();
        json!({"cluster": "prod", "services": names, "include": ["TAGS"]}).to_string()
    };
    for (what, rounds) in [("first reads", 1), ("later reads", 20)] {
        let started = real_time();
        for _ in 0..rounds {
            for from in (0..1000).step_by(10) {
                bench.sim.exchange(request(Service::Ecs, "DescribeServices", body(from))).await.unwrap();
            }
        }
        println!("{what}: {:?} per call of ten services", started.elapsed() / (100 * rounds));
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "a measurement, for release builds"]
async fn speed_of_an_hour_of_a_thousand_balanced_services() {
    let bench = bench(2);
    let group = bench.target_group("web");
    let definition = bench.define("web", "a:1").await;
    let more =
        json!({"loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]});
    let started = real_time();
    for number in 0..1000 {
        bench.create(&format!("s{number:04}"), &definition, 1, more.clone()).await;
    }
    println!("1000 services made: {:?}", started.elapsed());
    for (what, seconds) in [("the first five minutes", 300), ("a further hour", 3600)] {
        let started = real_time();
        pass(seconds).await;
        bench.show("s0000").await;
        println!("{what}: {:?}", started.elapsed());
    }
    assert_eq!(bench.show("s0999").await["runningCount"], 1);
}

#[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
fn real_time() -> std::time::Instant {
    std::time::Instant::now()
}
