//! The command line: parse, dispatch, exit code. No logic.

use clap::Parser;
use evenkeel::cli::{Cli, ExitStatus, dispatch, told};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let as_json = cli.is_json();
    match dispatch(cli).await {
        Ok(ExitStatus::Good) => ExitCode::SUCCESS,
        Ok(ExitStatus::NotGood) => ExitCode::from(1),
        Ok(ExitStatus::Unknown) => ExitCode::from(2),
        Err(error) => {
            anstream::eprintln!("{}", told(&error, as_json));
            ExitCode::from(2)
        }
    }
}
