//! Flags and environment, read once. The only reader of the environment: clap's `env` below, and
//! the AWS SDK's own standard variables, which the SDK reads by itself.

use crate::aws::Shares;
use crate::model::arn::Arn;
use crate::model::location::Location;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The controller's command line.
#[derive(Debug, Parser)]
#[command(
    name = "evenkeel",
    version,
    about = "Keeps what runs in Amazon ECS equal to what is declared",
    after_help = "Examples:\n  evenkeel demo\n  evenkeel run --store file:/etc/evenkeel/specs --state file:/var/lib/evenkeel\n\nLook at it with `ctl status`.\n\nExit codes: 0 good, 1 not good (--once or --exit-when-ready ended with something not ready), 2 could not do it."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the controller can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile what a spec store declares, for ever
    #[command(
        after_help = "Example:\n  evenkeel run --store file:/etc/evenkeel/specs --state file:/var/lib/evenkeel --resync 60s\n\nAWS is configured as usual: environment, profile, task role, AWS_REGION, AWS_ENDPOINT_URL."
    )]
    Run(RunArgs),
    /// Simulated AWS, the four example documents and the controller, in one process
    #[command(
        after_help = "Example:\n  evenkeel demo\n  evenkeel demo --dir /tmp/demo --listen 127.0.0.1:5566 --speed 60 --exit-when-ready --timeout 60"
    )]
    Demo(DemoArgs),
    /// Ask a running controller whether it is alive (for container health checks)
    #[command(after_help = "Example:\n  evenkeel health --address 127.0.0.1:8099")]
    Health(HealthArgs),
}

/// Flags of `evenkeel run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Where documents are: file:DIR (or file:FILE)
    #[arg(long, env = "EVENKEEL_STORE")]
    pub store: Location,
    /// Where records are kept: file:DIR
    #[arg(long, env = "EVENKEEL_STATE")]
    pub state: Location,
    /// How often every deployment is looked at, whatever happens
    #[arg(long, default_value = "60s", env = "EVENKEEL_RESYNC", value_parser = resync)]
    pub resync: Duration,
    /// Walk until nothing is left to do or to wait for, then exit: 0 when all are Ready, 1 when not
    #[arg(long)]
    pub once: bool,
    /// With --once: give up after so long
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub timeout: Duration,
    /// What is shown of it, and to whom.
    #[command(flatten)]
    pub window: WindowArgs,
    /// Share of AWS's published request rates that this controller may use, in percent; others for
    /// single throttling categories after it: 25,ecs-service-write=50
    #[arg(
        long,
        default_value = "25",
        value_name = "PERCENT[,CATEGORY=PERCENT…]",
        env = "EVENKEEL_BUDGET_SHARE"
    )]
    pub budget_share: Shares,
    /// How logs are written; auto is text on a terminal and JSON elsewhere
    #[arg(long, value_enum, default_value_t = LogFormat::Auto, env = "EVENKEEL_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Which logs are written, as in RUST_LOG
    #[arg(long, default_value = "info", env = "EVENKEEL_LOG")]
    pub log: String,
}

/// Flags about the port of `evenkeel run`.
#[derive(Clone, Debug, Args)]
pub struct WindowArgs {
    /// Where /healthz, /readyz, /metrics and /v1 are served; /v1 on loopback, or to those whom a
    /// token or a certificate admits
    #[arg(long, default_value = "127.0.0.1:8099", env = "EVENKEEL_LISTEN")]
    pub listen: SocketAddr,
    /// File that holds the token which readers of /v1 must bring; it may be exchanged at any time
    #[arg(long, env = "EVENKEEL_TOKEN_FILE", value_name = "FILE", conflicts_with = "token_secret")]
    pub token_file: Option<PathBuf>,
    /// Secret of Secrets Manager that holds this token, as the whole ARN
    #[arg(long, env = "EVENKEEL_TOKEN_SECRET", value_name = "ARN", value_parser = secret)]
    pub token_secret: Option<String>,
    /// Certificate of the controller in PEM: /v1 is then told over TLS only
    #[arg(long, env = "EVENKEEL_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, env = "EVENKEEL_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// CA in PEM: who shows a certificate that it signed may read /v1
    #[arg(long, env = "EVENKEEL_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,
}

/// Flags of `evenkeel demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// The demo folder
    #[arg(long, default_value = ".evenkeel")]
    pub dir: PathBuf,
    /// Where simulated AWS listens
    #[arg(long, default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// How many times faster than real time simulated time runs
    #[arg(long, default_value_t = 20.0, value_parser = speed)]
    pub speed: f64,
    /// Exit once all four are Ready (0), or after --timeout (1)
    #[arg(long)]
    pub exit_when_ready: bool,
    /// Seconds that --exit-when-ready waits
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub timeout: u64,
    /// Which logs are written, as in RUST_LOG
    #[arg(long, default_value = "warn", env = "EVENKEEL_LOG")]
    pub log: String,
}

/// Flags of `evenkeel health`.
#[derive(Clone, Debug, Args)]
pub struct HealthArgs {
    /// Where the controller listens
    #[arg(long, default_value = "127.0.0.1:8099", env = "EVENKEEL_LISTEN")]
    pub address: SocketAddr,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One line of text per event.
    Text,
    /// One JSON object per event.
    Json,
}

/// Reads `500ms`, `60s`, `10m`, `1h`, `1h 30m` or `7d`; a day has 24 hours.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = |_| "expected a number with a unit: 500ms, 60s, 10m, 1h or 7d".to_owned();
    let span: Span = text.parse().map_err(expected)?;
    let duration: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(expected)?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected more than nothing".to_owned()),
    }
}

/// Between looks of which one is over before the next is due, and looks that still see drift on the
/// same day.
fn resync(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if (Duration::from_millis(100)..=Duration::from_secs(86_400)).contains(&time) => Ok(time),
        _ => Err("expected 100ms to 24h".to_owned()),
    }
}

/// The region says where it is read, whatever regions documents name.
fn secret(text: &str) -> Result<String, String> {
    match Arn::parse(text) {
        Some(arn) if arn.service == "secretsmanager" && !arn.region.is_empty() => Ok(text.to_owned()),
        _ => Err("expected arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX".to_owned()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("expected a number from 1 to 1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_resync_is_neither_all_the_time_nor_never() {
        assert_eq!(resync("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(resync("24h"), Ok(Duration::from_secs(86_400)));
        for bad in ["1ms", "99ms", "25h", "99999999h", "60"] {
            assert!(resync(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_secret_of_the_token_is_named_by_its_whole_arn() {
        let good = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:evenkeel/window-a1b2c3";
        assert_eq!(secret(good).as_deref(), Ok(good));
        for bad in ["evenkeel/window", "arn:aws:ecs:eu-west-1:123456789012:cluster/main", ""] {
            assert!(secret(bad).unwrap_err().contains("secretsmanager"), "{bad}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for bad in ["60", "s", "", "0s", "-1s", "99999999999999999999h", "1month", "1y"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
