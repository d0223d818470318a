//! `aws-sim`: simulated AWS on a TCP port.

use std::{path::PathBuf, process::ExitCode};

use aws_sim::{Sim, clock::wall_now};
use clap::Parser;

/// Simulated AWS on a TCP port: ECS, ELBv2, Secrets Manager, CloudWatch, CloudWatch Logs and STS,
/// from memory.
///
/// Point any AWS tool at it; every region and any credentials will do.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example:
  aws-sim --speed 10 &
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=eu-west-1 AWS_ACCESS_KEY_ID=sim AWS_SECRET_ACCESS_KEY=sim
  aws ecs create-cluster --cluster-name demo
  curl http://127.0.0.1:4566/_sim/calls"
)]
struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4566", value_name = "ADDR")]
    listen: String,
    /// Simulated seconds per second.
    #[arg(long, default_value_t = 1.0, value_name = "N", value_parser = speed)]
    speed: f64,
    /// Seed of ids and jitter.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Hold callers to AWS's published request rates.
    #[arg(long)]
    rate_limits: bool,
    /// The account's twelve digits.
    #[arg(long, default_value = "123456789012", value_name = "ID")]
    account: String,
    /// JSON file with what shall be there at the start.
    #[arg(long, value_name = "FILE")]
    seed_file: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("must be a number greater than 0".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("aws-sim: {reason}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let sim = Sim::builder()
        .seed(arguments.seed)
        .account(arguments.account)
        .start(wall_now())
        .speed(arguments.speed)
        .rate_limits(arguments.rate_limits)
        .build();
    if let Some(path) = arguments.seed_file {
        let name = path.display();
        let text = tokio::fs::read(&path).await.map_err(|error| format!("cannot read {name}: {error}"))?;
        let seed = serde_json::from_slice(&text).map_err(|error| format!("{name} is not JSON: {error}"))?;
        let made = sim.seed_world(&seed).map_err(|error| format!("{name}: {error}"))?;
        println!("{made:#}");
    }
    let listener = tokio::net::TcpListener::bind(&arguments.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error} (choose another address with --listen)", arguments.listen)
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("aws-sim listens on http://{address}");
    sim.serve(listener, stopped()).await.map_err(|error| error.to_string())
}

/// Done when the process is asked to end.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    if interrupt.await.is_err() {
        std::future::pending::<()>().await;
    }
}
