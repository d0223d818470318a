//! Sentences about `ctl --server`: it says what the state folder says, or why it cannot.

use super::records::Records;
use super::tests::{Folders, now, plain, status, talkative, troubled};
use super::{Cli, Command, ExitStatus, describe, dispatch, status};
use crate::http::tls_tests::Authority;
use crate::http::{Access, Bearer, Tls, Window, serve};
use crate::model::finding::Finding;
use crate::model::heartbeat::Heartbeat;
use crate::reconcile::{Clock, Handle, Metrics};
use crate::state::{FileRecordStore, RecordStore, StoreReport};
use clap::Parser;
use jiff::SignedDuration;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Records of every sort, at a time that stands still.
async fn folders() -> Folders {
    let [stalled, refused, gone] = troubled();
    let folders = Folders::with(vec![stalled, refused, gone, status("late", "")]).await;
    folders.state.save(&talkative()).await.unwrap();
    let demo = json!({
        "endpoint": "http://127.0.0.1:1", "speed": 0.0, "clock": {"simulated": now(), "real": now()},
    });
    std::fs::write(folders.path("demo.json"), demo.to_string()).unwrap();
    let report = StoreReport {
        problems: vec![Finding::error("", "the file cannot be read: Permission denied", "")],
        prune_held: Some("3 of 4 documents vanished at once".to_owned()),
    };
    folders.state.save_report(&report).await.unwrap();
    let late = now() - SignedDuration::from_mins(9);
    let looked_at = [("blog", Some(now())), ("late", Some(late)), ("newest", None)];
    let heartbeat = Heartbeat {
        controller: "evenkeel 1, process 7".to_owned(),
        started_at: now() - SignedDuration::from_hours(1),
        at: now(),
        resync_seconds: 60,
        store_read_at: Some(now()),
        looked_at: looked_at.into_iter().map(|(name, at)| (name.into(), at)).collect(),
        budget_waits: Default::default(),
    };
    folders.state.beat(&heartbeat).await.unwrap();
    folders
}

/// A controller's window on the same records at the same time.
async fn server(folders: &Folders, access: Access, tls: Option<Tls>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let records = Arc::new(FileRecordStore::new(folders.path("state")));
    let handle = Handle::new(Metrics::default());
    let window = Window::new(handle, records, Clock::given(now), access);
    let window = match tls {
        Some(tls) => window.behind(tls),
        None => window,
    };
    tokio::spawn(serve(listener, window, std::future::pending()));
    address
}

/// A command line that asks a server.
fn asking(address: SocketAddr, words: &[&str]) -> Cli {
    let server = format!("http://{address}");
    let all = ["ctl", "--server", &server].into_iter().chain(words.iter().copied());
    Cli::try_parse_from(all).expect("a well-formed command line")
}

async fn error(address: SocketAddr, words: &[&str]) -> String {
    format!("{:#}", dispatch(asking(address, words)).await.unwrap_err())
}

/// What `ctl status …` prints, and how it ends.
async fn shown(cli: Cli) -> (String, ExitStatus) {
    let Command::Status(args) = cli.command else { panic!("only status is shown") };
    let (text, verdict) = status::text(&args, &Records::open(&cli.places).unwrap()).await.unwrap();
    (plain(&text), verdict)
}

#[tokio::test]
async fn a_server_says_what_its_state_folder_says() {
    let folders = folders().await;
    let until = "2999-12-01T08:00:00Z";
    folders.ask(&["pause", "shop", "--until", until, "--reason", "incident 42"]).await.unwrap();
    let address = server(&folders, Access::Local, None).await;
    for name in ["", "blog", "edit", "gone", "late", "newest", "shop"] {
        for form in ["table", "wide", "json", "yaml"] {
            let words = ["status", "--exit-code", "-o", form, name];
            let words = if name.is_empty() { &words[..4] } else { &words[..] };
            let from_folder = shown(folders.parsed(words)).await;
            similar_asserts::assert_eq!(shown(asking(address, words)).await, from_folder);
            assert!(!from_folder.0.is_empty());
        }
    }
    let (places, cli) = (folders.places(), asking(address, &["status"]));
    let (folder, server) = (Records::open(&places).unwrap(), Records::open(&cli.places).unwrap());
    let (one, other) = (folder.one("shop").await.unwrap(), server.one("shop").await.unwrap());
    similar_asserts::assert_eq!(other, one);
    assert_eq!(describe::shown(&other).unwrap(), describe::shown(&one).unwrap());
    assert_eq!(server.events("shop").await.unwrap(), folder.events("shop").await.unwrap());
    assert_eq!(server.list().await.unwrap(), folder.list().await.unwrap());
    for name in ["shpo", "nothing-like-it", "a b/c?"] {
        let said = folders.ctl(&["describe", name]).await.unwrap_err().to_string();
        assert_eq!(error(address, &["describe", name]).await, said);
    }
}

#[tokio::test]
async fn what_is_lost_is_told_by_a_server_as_by_the_folder() {
    let folders = folders().await;
    std::fs::write(folders.path("state/broken.json"), "{").unwrap();
    let address = server(&folders, Access::Local, None).await;
    let server = asking(address, &["status"]);
    let list = Records::open(&server.places).unwrap().list().await.unwrap();
    assert_eq!(list, Records::open(&folders.places()).unwrap().list().await.unwrap());
    assert!(list.damaged.len() == 1 && list.damaged[0].contains("broken.json"), "{:?}", list.damaged);
}

#[tokio::test]
async fn exit_codes_and_waits_are_those_of_the_folder() {
    let folders = Folders::with(vec![status("shop", ""), status("web", "1 of 2 running")]).await;
    let address = server(&folders, Access::Local, None).await;
    let ended = async |words: &[&str]| dispatch(asking(address, words)).await.unwrap();
    assert_eq!(ended(&["status"]).await, ExitStatus::Good);
    assert_eq!(ended(&["status", "--exit-code"]).await, ExitStatus::NotGood);
    assert_eq!(ended(&["describe", "shop"]).await, ExitStatus::Good);
    assert_eq!(ended(&["events", "shop", "-o", "yaml"]).await, ExitStatus::Good);
    assert_eq!(ended(&["wait", "shop", "--for", "Ready"]).await, ExitStatus::Good);
    let over = ended(&["wait", "web", "--for", "Ready", "--timeout", "1ms"]).await;
    assert_eq!(over, ExitStatus::NotGood);
    let heartbeat = Heartbeat {
        controller: "evenkeel 1, process 7".to_owned(),
        started_at: now() - SignedDuration::from_hours(1),
        at: now() - SignedDuration::from_mins(12),
        resync_seconds: 60,
        store_read_at: None,
        looked_at: Default::default(),
        budget_waits: Default::default(),
    };
    folders.state.beat(&heartbeat).await.unwrap();
    assert_eq!(ended(&["status"]).await, ExitStatus::Unknown);
    let unknown = ended(&["wait", "shop", "--for", "Ready", "--timeout", "1ms"]).await;
    assert_eq!(unknown, ExitStatus::Unknown);
}

#[tokio::test]
async fn what_a_server_cannot_do_names_the_flag_that_is_needed() {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let pause = ["pause", "shop", "--until", "1h", "--reason", "x", "--by", "ops"];
    for words in [
        &pause[..],
        &["resume", "shop", "--by", "ops"],
        &["retry", "shop", "--reason", "x", "--by", "ops"],
        &["adopt", "shop", "--reason", "x", "--by", "ops"],
        &["delete", "shop", "--confirm", "shop", "--by", "ops"],
        &["plan"],
    ] {
        let said = error(nowhere, words).await;
        assert!(said.contains("http://127.0.0.1:1 is only read from"), "{words:?}: {said}");
        assert!(said.contains("this needs --state file:DIR (or EVENKEEL_STATE)"), "{words:?}: {said}");
    }
    let folders = Folders::with(vec![status("shop", "")]).await;
    let state = format!("file:{}", folders.path("state").display());
    let said = error(nowhere, &["status", "--state", &state]).await;
    assert!(said.contains("both --server") && said.contains("leave one out"), "{said}");
    let words = [&pause[..], &["--state", &state]].concat();
    assert_eq!(dispatch(asking(nowhere, &words)).await.unwrap(), ExitStatus::Good, "the folder is given");
}

#[tokio::test]
async fn the_token_of_the_file_is_brought_and_what_is_wrong_with_it_is_said() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let token = folders.path("token");
    std::fs::write(&token, "0123456789abcdef\n").unwrap();
    let bearer = Bearer::in_file(token.clone()).await.unwrap();
    let address = server(&folders, Access::Bearer(Arc::new(bearer)), None).await;
    let path = |path: &std::path::Path| path.display().to_string();
    let with_token = ["status", "--token-file", &path(&token)];
    assert_eq!(dispatch(asking(address, &with_token)).await.unwrap(), ExitStatus::Good);
    let said = error(address, &["status"]).await;
    assert!(said.contains("wants a token") && said.contains("--token-file"), "{said}");
    let other = folders.path("other");
    std::fs::write(&other, "fedcba9876543210").unwrap();
    let said = error(address, &["status", "--token-file", &path(&other)]).await;
    assert!(said.contains("does not take the token in") && said.contains(&path(&other)), "{said}");
    std::fs::write(&other, "two\nlines").unwrap();
    let said = error(address, &["status", "--token-file", &path(&other)]).await;
    assert!(said.contains("holds no token"), "{said}");
    let said = error(address, &["status", "--token-file", "/nowhere/token"]).await;
    assert!(said.contains("cannot read the token in /nowhere/token"), "{said}");
    let closed = server(&folders, Access::Nobody, None).await;
    let said = error(closed, &["status"]).await;
    assert!(said.contains("refuses (403 Forbidden)") && said.contains("--token-secret"), "{said}");
}

/// A server that answers everything with the same bytes.
async fn saying(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn who_is_no_controller_is_told_apart_from_one_that_is_away() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let said = error(free, &["status"]).await;
    assert!(said.starts_with(&format!("cannot reach the controller at http://{free}: ")), "{said}");
    assert!(said.contains("Connection refused") && said.contains("does it run"), "{said}");
    let http = |head: &str, body: &str| {
        format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    let newer = r#"{"apiVersion": "evenkeel.dev/v2\u001b[2J", "kind": "DeploymentList"}"#;
    let other = r#"{"apiVersion": "evenkeel.dev/v1", "kind": "DeploymentList"}"#;
    let hostile = r#"{"error": "no\u001b[2J\nfake"}"#;
    for (answer, expected) in [
        (http("200 OK", "hello"), "does not answer as a controller does"),
        (http("200 OK", newer), r"speaks evenkeel.dev/v2\u{1b}[2J, this ctl evenkeel.dev/v1"),
        (http("200 OK", other), "cannot be read; use a ctl of the controller's version"),
        (http("404 Not Found", ""), "has no /v1/deployments; is it a controller, and one of this version?"),
        (http("503 No", hostile), r"refuses (503 Service Unavailable): no\u{1b}[2J\nfake"),
        (http("502 Bad Gateway", "<html>"), "answers 502 Bad Gateway; is it a controller?"),
        (String::new(), "cannot reach the controller"),
        ("garbage\r\n\r\n".to_owned(), "cannot reach the controller"),
    ] {
        let said = error(saying(answer).await, &["status"]).await;
        assert!(said.contains(expected) && !said.contains('\u{1b}'), "{expected}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_says_nothing_is_not_waited_for_longer_than_half_a_minute() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = tokio::spawn(async move {
        let _connection = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
    });
    let said = error(address, &["status"]).await;
    assert!(said.contains("no whole answer within 30 s"), "{said}");
    silent.abort();
}

/// A command line that asks a server by TLS.
fn asking_by_tls(address: SocketAddr, words: &[&str]) -> Cli {
    let server = format!("https://{address}");
    let all = ["ctl", "--server", &server].into_iter().chain(words.iter().copied());
    Cli::try_parse_from(all).expect("a well-formed command line")
}

#[tokio::test]
async fn a_certificate_admits_and_one_of_somebody_else_does_not() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let (authority, stranger) = (Authority::new(), Authority::new());
    let address = server(&folders, Access::Certificate, Some(authority.tls().await)).await;
    let path = |path: &std::path::Path| path.display().to_string();
    let (ca, foreign_ca) = (path(&authority.path("ca.pem")), path(&stranger.path("ca.pem")));
    let own = authority.sign("reader", &["reader"]);
    let foreign = stranger.sign("reader", &["reader"]);
    let ended = async |ca: &str, own: Option<&(PathBuf, PathBuf)>| {
        let mut words = vec!["status".to_owned(), "--server-ca".to_owned(), ca.to_owned()];
        if let Some((cert, key)) = own {
            words.extend(["--client-cert".to_owned(), path(cert), "--client-key".to_owned(), path(key)]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        dispatch(asking_by_tls(address, &words)).await.map_err(|error| format!("{error:#}"))
    };
    assert_eq!(ended(&ca, Some(&own)).await, Ok(ExitStatus::Good));
    let said = ended(&ca, None).await.unwrap_err();
    assert!(said.contains("403") && said.contains("--client-cert FILE"), "{said}");
    let said = ended(&ca, Some(&foreign)).await.unwrap_err();
    assert!(said.contains("cannot reach the controller"), "{said}");
    assert!(said.contains(&format!("--tls-client-ca did not sign {}", path(&foreign.0))), "{said}");
    let said = ended(&foreign_ca, Some(&own)).await.unwrap_err();
    assert!(said.contains("is not trusted") && said.contains("--server-ca"), "{said}");
    let said = error(address, &["status"]).await;
    assert!(said.contains("over TLS only: ask https://"), "{said}");
    let words = ["status", "--client-cert", &path(&own.0)];
    assert!(error(address, &words).await.contains("--client-key go together"));
}

#[tokio::test]
async fn over_tls_a_token_admits_without_a_certificate() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let authority = Authority::new();
    let token = authority.path("token");
    std::fs::write(&token, "0123456789abcdef").unwrap();
    let bearer = Bearer::in_file(token.clone()).await.unwrap();
    let address = server(&folders, Access::Bearer(Arc::new(bearer)), Some(authority.tls().await)).await;
    let path = |path: &std::path::Path| path.display().to_string();
    let (ca, token) = (path(&authority.path("ca.pem")), path(&token));
    let with_token = ["status", "--server-ca", &ca, "--token-file", &token];
    assert_eq!(dispatch(asking_by_tls(address, &with_token)).await.unwrap(), ExitStatus::Good);
    let said = dispatch(asking_by_tls(address, &with_token[..3])).await.unwrap_err().to_string();
    assert!(said.contains("wants a token"), "{said}");
    let (cert, key) = authority.sign("reader", &["reader"]);
    let words = ["status", "--server-ca", &ca, "--client-cert", &path(&cert), "--client-key", &path(&key)];
    assert_eq!(dispatch(asking_by_tls(address, &words)).await.unwrap(), ExitStatus::Good);
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_so() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let address = server(&folders, Access::Local, None).await;
    let ca = Authority::new();
    let words = ["status", "--server-ca", &ca.path("ca.pem").display().to_string()];
    let said = dispatch(asking_by_tls(address, &words)).await.unwrap_err().to_string();
    assert!(said.contains("does not take up TLS") && said.contains("does it speak it?"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_goes_away_while_it_is_waited_for_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers_once = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let body = r#"{"error": "there is no deployment `shop`"}"#;
        let head = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).await.unwrap();
    });
    let began = tokio::time::Instant::now();
    let words = ["wait", "shop", "--for", "Ready", "--timeout", "10s"];
    assert_eq!(dispatch(asking(address, &words)).await.unwrap(), ExitStatus::Unknown, "nobody knows");
    assert_eq!(began.elapsed(), std::time::Duration::from_secs(10));
    answers_once.await.unwrap();
    assert!(error(address, &words).await.contains("cannot reach the controller"), "not even once");
}
