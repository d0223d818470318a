//! The binaries as they are shipped: exit codes, signals, ports, logs, and what `ctl` says of it.

use crate::support::process::{PATIENCE, Process, Workspace, free_port, get};
use aws_sim::Moment;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::Duration;

/// An orchestrator kills after its stop timeout; this is what is asked of us.
const STOP: Duration = Duration::from_secs(10);

#[test]
fn once_brings_the_shop_up_and_ctl_agrees() {
    let workspace = Workspace::new(&[]);
    let listen = free_port().to_string();
    let once = ["--once", "--timeout", "60s", "--listen", &listen];
    let (code, said) = workspace.run(&once).ends_within(PATIENCE);
    assert_eq!(code, 0, "{said}");

    let (code, out, _) = workspace.ctl(&["status", "--exit-code"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("shop") && out.contains("2/2"), "{out}");
    let (code, out, _) = workspace.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "1s"]);
    assert_eq!((code, out.as_str()), (0, "shop: Ready=True\n"));
    let (code, out, error) = workspace.ctl(&["plan", "--exit-code"]);
    assert_eq!(code, 0, "{out}{error}");
    let (code, out, _) = workspace.ctl(&["events", "shop"]);
    assert_eq!(code, 0);
    for word in ["Registered", "Started", "Created", "Complete", "Ready"] {
        assert!(out.contains(word), "{word}: {out}");
    }

    workspace.by_hand(
        "ecs",
        "UpdateService",
        json!({"cluster": "shop", "service": "shop-web", "desiredCount": 5}),
    );
    let (code, out, _) = workspace.ctl(&["plan", "--exit-code"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("desiredCount"), "{out}");

    // A status of the last run says nothing of today: it observes, and repairs, before it calls
    // anything Ready.
    let (code, said) = workspace.run(&once).ends_within(PATIENCE);
    assert_eq!(code, 0, "{said}");
    let described = json!({"cluster": "shop", "services": ["shop-web"]});
    let described = workspace.by_hand("ecs", "DescribeServices", described);
    assert_eq!(described["services"][0]["desiredCount"], 2);
    assert_eq!(workspace.ctl(&["plan", "--exit-code"]).0, 0);
}

#[test]
fn once_gives_up_with_the_reason() {
    let workspace = Workspace::new(&[("shop/db:", "shop/absent:")]);
    let listen = free_port().to_string();
    let (code, said) =
        workspace.run(&["--once", "--timeout", "3s", "--listen", &listen]).ends_within(PATIENCE);
    assert_eq!(code, 1, "{said}");
    let why = "shop: not ready: SecretMissing: secret shop/absent: there is none in account 123456789012";
    assert!(said.contains(why), "{said}");
    assert_eq!(workspace.ctl(&["status", "--exit-code"]).0, 1);
    let (code, _, error) = workspace.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "300ms"]);
    assert_eq!(code, 1);
    assert!(error.contains("shop/absent"), "{error}");
}

#[test]
fn once_with_nothing_declared_or_nothing_readable_is_no_success() {
    let workspace = Workspace::new(&[]);
    std::fs::remove_file(workspace.path("specs/shop.yaml")).unwrap();
    let listen = free_port().to_string();
    let (code, said) = workspace.run(&["--once", "--listen", &listen]).ends_within(PATIENCE);
    assert!(code == 1 && said.contains("the spec store holds no document"), "{said}");
    std::fs::write(workspace.path("specs/broken.yaml"), "a: [").unwrap();
    let (code, said) = workspace.run(&["--once", "--listen", &listen]).ends_within(PATIENCE);
    assert!(code == 1 && said.contains("spec store: broken.yaml:1:"), "{said}");
}

#[test]
fn a_stop_in_the_middle_of_a_bring_up_is_quick_and_nothing_is_done_twice() {
    let workspace = Workspace::new(&[]);
    let (started, task) = channel();
    workspace.sim.on_call(move |moment| {
        if let Moment::After { call, .. } = moment
            && call.operation == "RunTask"
        {
            // Only the first one is waited for.
            let _ = started.send(());
        }
    });
    let listen = free_port();
    let arguments = ["--listen", &listen.to_string()];
    let first = workspace.run(&arguments);
    task.recv_timeout(PATIENCE).unwrap();
    first.terminate();
    let (code, said) = first.ends_within(STOP);
    assert_eq!(code, 0, "{said}");
    assert_eq!(workspace.carried_out("CreateService"), 0, "it was stopped in the middle");

    let second = workspace.run(&arguments);
    let (code, _, error) = workspace.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "60s"]);
    assert_eq!(code, 0, "{error}");
    for (operation, times) in [
        ("CreateLogGroup", 1),
        ("CreateTargetGroup", 1),
        ("CreateListener", 1),
        ("CreateRule", 1),
        ("RegisterTaskDefinition", 2),
        ("RunTask", 1),
        ("CreateService", 1),
    ] {
        assert_eq!(workspace.carried_out(operation), times, "{operation}");
    }
    second.terminate();
    let (code, said) = second.ends_within(STOP);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_running_controller_can_be_asked_and_keeps_others_out() {
    let workspace = Workspace::new(&[]);
    let listen = free_port();
    let mut running = workspace.run(&["--listen", &listen.to_string()]);
    running.says("evenkeel runs");
    let line = running.says("\"name\":\"reconcile\"");
    assert!(line.contains("\"pass\":1,") && line.contains("\"reason\":\"start-up\""), "{line}");
    assert_eq!(workspace.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "60s"]).0, 0);
    assert_eq!(get(listen, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(listen, "/readyz"), (200, "ok\n".to_owned()));
    let (status, metrics) = get(listen, "/metrics");
    assert_eq!(status, 200);
    for line in [
        "evenkeel_deployments 1\n",
        "evenkeel_actions_total{operation=\"ecs:CreateService\",result=\"Done\"} 1\n",
        "evenkeel_aws_calls_total{operation=\"ecs:RunTask\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let health = |address: &str| {
        let mut command = workspace.command(env!("CARGO_BIN_EXE_evenkeel"));
        command.args(["health", "--address", address]);
        Process::start(command).ends_within(STOP)
    };
    assert_eq!(health(&listen.to_string()).0, 0);

    let (code, said) = workspace.run(&["--listen", &free_port().to_string()]).ends_within(STOP);
    assert_eq!(code, 2);
    assert!(said.contains("--state") && said.contains("in use by another controller"), "{said}");
    let other = Workspace::new(&[]);
    let (code, said) = other.run(&["--listen", &listen.to_string()]).ends_within(STOP);
    assert_eq!(code, 2);
    assert!(said.contains(&listen.to_string()) && said.contains("--listen"), "{said}");

    running.terminate();
    let (code, said) = running.ends_within(STOP);
    assert_eq!(code, 0, "{said}");
    let (code, said) = health(&listen.to_string());
    assert_eq!(code, 2);
    assert!(said.contains(&format!("no controller listens on {listen} (see --address)")), "{said}");
}

#[test]
fn health_is_1_when_the_controller_says_that_it_is_not_well() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 1024];
        let read = stream.read(&mut asked).unwrap();
        let why = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 10\r\n\r\nstuck here";
        stream.write_all(why.as_bytes()).unwrap();
        String::from_utf8_lossy(&asked[..read]).into_owned()
    });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(["health", "--address", &address]);
    let (code, said) = Process::start(command).ends_within(STOP);
    assert_eq!((code, said.as_str()), (1, "stuck here"));
    assert!(server.join().unwrap().starts_with("GET /healthz "));
}

#[test]
fn logs_are_json_off_a_terminal_with_one_span_per_pass() {
    let workspace = Workspace::new(&[]);
    let mut running = workspace.run(&["--listen", &free_port().to_string()]);
    running.says("ecs:RegisterTaskDefinition");
    running.terminate();
    let (code, said) = running.ends_within(STOP);
    assert_eq!(code, 0);
    let lines: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("every line is one JSON object")).collect();
    assert!(!lines.is_empty());
    let acted: Vec<&Value> = lines.iter().filter(|line| line["message"] == "acted").collect();
    assert!(!acted.is_empty(), "{said}");
    for line in acted {
        assert_eq!(line["span"]["name"], "reconcile", "{line}");
        assert_eq!((&line["span"]["deployment"], &line["span"]["generation"]), (&json!("shop"), &json!(1)));
        assert_eq!(line["level"], "INFO");
    }
    assert!(!said.contains("canary-secret-value"));
}

#[test]
fn an_aws_that_cannot_be_reached_is_explained_and_waited_for() {
    let workspace = Workspace::unreachable();
    let listen = free_port();
    let mut running = workspace.run(&["--listen", &listen.to_string()]);
    let line: Value = serde_json::from_str(&running.says("NoConnection")).unwrap();
    let message = line["message"].as_str().unwrap_or_default();
    assert!(message.contains("Connection refused") && line["reason"] == "AwsUnreadable", "{line}");
    assert_eq!(line["level"], "ERROR");
    assert_eq!(get(listen, "/healthz").0, 200);
    let (code, _, error) = workspace.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "300ms"]);
    assert_eq!(code, 1);
    assert!(error.contains("Connection refused"), "{error}");
    running.terminate();
    let (code, said) = running.ends_within(STOP);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_demo_names_the_flag_when_its_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let workspace = Workspace::new(&[]);
    let mut command = workspace.command(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(["demo", "--dir", "demo", "--listen", &address]);
    let (code, said) = Process::start(command).ends_within(STOP);
    assert_eq!(code, 2);
    assert!(said.contains(&address) && said.contains("choose another address with --listen"), "{said}");
}
