//! The command line: parse, dispatch, exit code. No logic.

use clap::Parser;
use evenkeel::cli::{Cli, ExitStatus, dispatch};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match dispatch(Cli::parse()).await {
        Ok(ExitStatus::Good) => ExitCode::SUCCESS,
        Ok(ExitStatus::NotGood) => ExitCode::from(1),
        Ok(ExitStatus::Unknown) => ExitCode::from(2),
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
