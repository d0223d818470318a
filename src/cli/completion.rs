//! `ctl completion`.

use super::{Cli, ExitStatus, out};
use anyhow::Context;
use clap::CommandFactory;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  source <(ctl completion bash)")]
pub(super) struct Args {
    /// For which shell
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ctl", &mut script);
    out::print(&String::from_utf8(script).context("the script is not text")?)?;
    Ok(ExitStatus::Good)
}
