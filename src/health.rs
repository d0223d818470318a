//! `evenkeel health`: asks a running controller, for container health checks in images without a
//! shell.

use anyhow::Context;
use evenkeel::settings::HealthArgs;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/healthz`; true when it says 200.
pub async fn health(args: HealthArgs) -> anyhow::Result<bool> {
    let answer = tokio::time::timeout(PATIENCE, ask(&args)).await.context("no answer within 5 s")??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
    let good = head.lines().next().is_some_and(|line| line.split(' ').nth(1) == Some("200"));
    if good {
        anstream::println!("{}", body.trim());
    } else {
        anstream::eprintln!("{}", body.trim());
    }
    Ok(good)
}

async fn ask(args: &HealthArgs) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(args.address)
        .await
        .with_context(|| format!("no controller listens on {} (see --address)", args.address))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", args.address);
    stream.write_all(request.as_bytes()).await.context("cannot ask")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.context("cannot read the answer")?;
    Ok(answer)
}
