//! The window of a shipped controller, and `ctl --server` from where its folders are not.

use crate::support::policy;
use crate::support::process::{PATIENCE, Workspace, free_port, get};
use serde_json::{Value, json};
use std::net::SocketAddr;

const TOKEN: &str = "0123456789abcdef-first";

/// `ctl` without any folder: exit code, stdout and stderr.
fn ctl(workspace: &Workspace, server: SocketAddr, arguments: &[&str]) -> (i32, String, String) {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = workspace.command(env!("CARGO_BIN_EXE_ctl"));
    command.current_dir(elsewhere.path()).env("EVENKEEL_SERVER", format!("http://{server}"));
    let output = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The same address on another port of this machine, as others reach it.
fn open_to_others() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], free_port().port()))
}

/// How this machine reaches what is open to others.
fn here(listen: SocketAddr) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], listen.port()))
}

#[test]
fn a_machine_without_the_folders_is_told_what_they_hold() {
    let workspace = Workspace::new(&[]);
    let listen = free_port();
    let mut running = workspace.run(&["--listen", &listen.to_string()]);
    running.says("evenkeel runs");
    let (code, out, error) = ctl(&workspace, listen, &["wait", "shop", "--for", "Ready", "--timeout", "60s"]);
    assert_eq!((code, out.as_str()), (0, "shop: Ready=True\n"), "{error}");
    let (code, out, error) = ctl(&workspace, listen, &["status", "shop", "-o", "json", "--exit-code"]);
    assert_eq!(code, 0, "{error}");
    let timeless = |out: &str| {
        let mut view: Value = serde_json::from_str(out).unwrap();
        assert!(view["time"].take().is_string(), "{out}");
        view
    };
    let status = timeless(&out);
    let (_, out, _) = workspace.ctl(&["status", "shop", "-o", "json"]);
    similar_asserts::assert_eq!(status, timeless(&out));
    let (code, out, _) = ctl(&workspace, listen, &["events", "shop"]);
    assert!(code == 0 && out.contains("Created") && out.contains("Complete"), "{out}");
    let (code, out, _) = ctl(&workspace, listen, &["describe", "shop"]);
    assert!(code == 0 && out.contains("Conditions") && out.contains("Rollout"), "{out}");
    let (status, body) = get(listen, "/v1/deployments");
    let list: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &list["items"][0]["name"]), (200, &"shop".into()));
    assert!(list["controller"]["lookedAt"].get("shop").is_some(), "{body}");
    let (code, _, error) =
        ctl(&workspace, listen, &["pause", "shop", "--until", "1h", "--reason", "x", "--by", "me"]);
    assert!(code == 2 && error.contains("is only read from") && error.contains("--state"), "{error}");
    running.terminate();
    running.ends_within(PATIENCE);
    let (code, _, error) = ctl(&workspace, listen, &["status"]);
    assert!(code == 2 && error.contains("Connection refused"), "{error}");
}

#[test]
fn the_plan_that_a_controller_tells_is_the_one_that_ctl_makes() {
    let workspace = Workspace::new(&[]);
    let listen = free_port();
    let mut running = workspace.run(&["--listen", &listen.to_string()]);
    running.says("evenkeel runs");
    assert_eq!(workspace.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "60s"]).0, 0);
    let pause = ["pause", "shop", "--until", "1h", "--reason", "a look", "--by", "me"];
    assert_eq!(workspace.ctl(&pause).0, 0);
    assert_eq!(workspace.ctl(&["wait", "shop", "--for", "Suspended", "--timeout", "60s"]).0, 0);
    let input = json!({"cluster": "shop", "service": "shop-web", "desiredCount": 5});
    workspace.by_hand("ecs", "UpdateService", input);
    let both = || {
        let (status, body) = get(listen, "/v1/deployments/shop/plan");
        let (code, out, error) = workspace.ctl(&["plan", "shop", "-o", "json"]);
        assert_eq!((status, code), (200, 0), "{body}{error}");
        assert!(out.contains("desiredCount"), "{out}");
        let told = serde_json::from_str::<Value>(&body).unwrap()["plan"].take();
        (told, serde_json::from_str::<Value>(&out).unwrap()["plan"].take())
    };
    // Between the two looks ECS goes on to start tasks, until all are there.
    let mut plans = (0..100).map(|_| both());
    let (told, made) = plans.find(|(told, made)| told == made).unwrap_or_else(both);
    similar_asserts::assert_eq!(told, made);
}

#[test]
fn where_others_reach_it_health_is_told_and_deployments_are_not() {
    let workspace = Workspace::new(&[]);
    let listen = open_to_others();
    let mut running = workspace.run(&["--listen", &listen.to_string()]);
    running.says("/v1 answers 403");
    running.says("evenkeel runs");
    assert_eq!(get(here(listen), "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(here(listen), "/v1/deployments").0, 403);
    let (code, _, error) = ctl(&workspace, here(listen), &["status"]);
    assert!(code == 2 && error.contains("403") && error.contains("--token-file"), "{error}");
}

#[test]
fn a_token_is_wanted_wherever_one_is_given() {
    let workspace = Workspace::new(&[]);
    let token = workspace.path("token").display().to_string();
    std::fs::write(&token, "short").unwrap();
    let listen = open_to_others();
    let arguments = ["--listen", &listen.to_string(), "--token-file", &token];
    let (code, said) = workspace.run(&arguments).ends_within(PATIENCE);
    assert!(
        code == 2 && said.contains("cannot use --token-file") && said.contains("can be guessed"),
        "{said}"
    );
    std::fs::write(&token, TOKEN).unwrap();
    let mut running = workspace.run(&arguments);
    running.says("evenkeel runs");
    assert_eq!(ctl(&workspace, here(listen), &["status"]).0, 2);
    let (code, _, error) = ctl(&workspace, here(listen), &["status", "--token-file", &token]);
    assert_eq!(code, 0, "{error}");
    assert!(
        running.said.iter().all(|line| !line.contains(TOKEN) && !line.contains("403")),
        "{:?}",
        running.said
    );
}

#[test]
fn the_token_may_be_a_secret_which_is_the_only_one_that_is_read() {
    let workspace = Workspace::new(&[]);
    let secret = json!({"Name": "evenkeel/window", "SecretString": TOKEN});
    let made = workspace.by_hand("secretsmanager", "CreateSecret", secret);
    let arn = made["ARN"].as_str().unwrap();
    let listen = free_port().to_string();
    let arguments = ["--listen", &listen, "--token-secret", arn];
    let (code, said) = workspace.run(&arguments).ends_within(PATIENCE);
    assert!(code == 2 && said.contains("cannot use --token-secret"), "the policy does not allow it: {said}");
    let mut allowed = policy::adapted(policy::SHIPPED);
    let read = json!({"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": [arn]});
    allowed["Statement"].as_array_mut().unwrap().push(read);
    policy::grant(&workspace.sim, &allowed);
    let mut running = workspace.run(&arguments);
    running.says("evenkeel runs");
    let token = workspace.path("token").display().to_string();
    std::fs::write(&token, TOKEN).unwrap();
    let ask = |arguments: &[&str]| ctl(&workspace, listen.parse().unwrap(), arguments);
    let (code, _, error) =
        ask(&["wait", "shop", "--for", "Ready", "--timeout", "60s", "--token-file", &token]);
    assert_eq!(code, 0, "{error}");
    let (code, _, error) = ask(&["status"]);
    assert!(code == 2 && error.contains("wants a token"), "{error}");
    assert_eq!(workspace.carried_out("GetSecretValue"), 1);
}
