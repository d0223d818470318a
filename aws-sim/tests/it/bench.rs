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
        #[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            for from in (0..1000).step_by(10) {
                bench.sim.exchange(request(Service::Ecs, "DescribeServices", body(from))).await.unwrap();
            }
        }
        println!("{what}: {:?} per call of ten services", started.elapsed() / (100 * rounds));
    }
}
