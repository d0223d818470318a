//! Windows: `ctl`, one file per command.
//!
//! `ctl` reads the state store (what the controller last saw and did) or, with `--server`, asks the
//! controller for the same; the spec store (what is declared) and, for `plan` and `import`, AWS. It
//! writes nothing but requests to the controller, into the state store, and documents of `init` and
//! `import` into new files: to change what should run, change a document.
//!
//! What a command finds out goes to stdout, what keeps it from finding out to stderr. Exit codes: 0
//! good; 1 not good (findings, not ready, differences with `--exit-code`); 2 it could not be done,
//! or nobody knows: the controller was not seen for three resyncs. Colours appear only on a
//! terminal, and `NO_COLOR` is obeyed. Everything that is not green carries its reason.

mod adopt;
mod completion;
mod conditions;
mod continue_pause;
#[cfg(test)]
mod contract_tests;
mod delete;
mod describe;
mod events;
mod explain;
pub mod import;
mod init;
mod out;
mod pause;
mod places;
mod plan;
mod records;
mod render;
mod request;
#[cfg(test)]
mod request_tests;
mod resume;
mod retry;
mod sarif;
mod schema;
mod server;
#[cfg(test)]
mod server_tests;
mod source;
mod state;
mod status;
mod tls;
mod validate;
mod wait;

#[cfg(test)]
mod tests;

use crate::model::kinds;
use crate::model::view::{self, Refusal};
use clap::{Parser, Subcommand};
use places::Places;

/// The command line of `ctl`.
#[derive(Debug, Parser)]
#[command(
    name = "ctl",
    version,
    about = "Looks at what Evenkeel keeps in Amazon ECS",
    after_help = "Examples:\n  ctl status\n  ctl status shop --watch\n  ctl plan -f shop.yaml\n  ctl status --server http://127.0.0.1:8099\n  ctl validate specs/*.yaml\n\n\
                  Without --store, --state and --server, the demo folder (.evenkeel/) is looked for here and in the folders above.\n\n\
                  Exit codes: 0 good; 1 not good (findings, not ready, differences with --exit-code); 2 could not do it, or\nnobody knows (the controller was not seen for three resyncs, 90 seconds at least)."
)]
pub struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What runs, and why anything does not
    Status(status::Args),
    /// Everything that is known of one deployment
    Describe(describe::Args),
    /// What would be done now, without doing it
    Plan(plan::Args),
    /// What was seen and done
    Events(events::Args),
    /// Check documents, all mistakes at once
    Validate(validate::Args),
    /// Write a first document of a kind
    Init(init::Args),
    /// Write a document for services that run in ECS already
    Import(import::Args),
    /// Print the Application that a document stands for
    Render(render::Args),
    /// Wait until a condition holds
    Wait(wait::Args),
    /// Explain a kind or one of its fields
    Explain(explain::Args),
    /// Print the schema of a kind, for editors or Kubernetes
    Schema(schema::Args),
    /// Print the version, and those of documents and of structured output
    #[command(after_help = "Example:\n  ctl version")]
    Version,
    /// Print a completion script for a shell
    Completion(completion::Args),
    /// Confirm that what was made for a removed document may be deleted, data included
    Delete(delete::Args),
    /// Try again, once, what failed
    Retry(retry::Args),
    /// Go on with an ECS deployment that a PAUSE hook holds, or roll it back
    Continue(continue_pause::Args),
    /// Write nothing for a time
    Pause(pause::Args),
    /// End a pause
    Resume(resume::Args),
    /// Take over what stands under declared names
    Adopt(adopt::Args),
}

impl Cli {
    /// Whether JSON is asked for: then errors are told as JSON, too.
    pub fn is_json(&self) -> bool {
        match &self.command {
            Command::Status(args) => args.is_json(),
            Command::Describe(describe::Args { output, .. })
            | Command::Plan(plan::Args { output, .. })
            | Command::Events(events::Args { output, .. }) => *output == Some(out::Structured::Json),
            Command::Validate(args) => args.is_json(),
            Command::Render(args) => args.output == out::Structured::Json,
            _ => false,
        }
    }
}

/// Why a command could not be done, as it is told on stderr.
pub fn told(error: &anyhow::Error, as_json: bool) -> String {
    let text = format!("{error:#}");
    match serde_json::to_string(&Refusal::new(text.as_str())) {
        Ok(json) if as_json => json,
        _ => format!("error: {text}"),
    }
}

/// What this `ctl` is, and what it speaks.
fn version() -> anyhow::Result<ExitStatus> {
    let own = env!("CARGO_PKG_VERSION");
    let (documents, output) = (kinds::API_VERSION, view::API_VERSION);
    out::print(&format!("ctl         {own}\ndocuments   {documents}\noutput      {output}\n"))?;
    Ok(ExitStatus::Good)
}

/// How a command ended that could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Exit code 0.
    Good,
    /// Exit code 1: findings, not ready, differences.
    NotGood,
    /// Exit code 2: it cannot be told, because the controller was not seen for too long.
    Unknown,
}

impl ExitStatus {
    fn good_if(good: bool) -> Self {
        if good { Self::Good } else { Self::NotGood }
    }
}

/// Runs one command.
///
/// # Errors
///
/// Why it could not be done, for stderr and exit code 2.
pub async fn dispatch(cli: Cli) -> anyhow::Result<ExitStatus> {
    let Cli { places, command } = cli;
    match command {
        Command::Status(args) => status::run(args, &places).await,
        Command::Describe(args) => describe::run(args, &places).await,
        Command::Plan(args) => plan::run(args, &places).await,
        Command::Events(args) => events::run(args, &places).await,
        Command::Validate(args) => validate::run(args),
        Command::Init(args) => init::run(args),
        Command::Import(args) => import::run(args, &places).await,
        Command::Render(args) => render::run(args),
        Command::Wait(args) => wait::run(args, &places).await,
        Command::Explain(args) => explain::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Version => version(),
        Command::Completion(args) => completion::run(args),
        Command::Delete(args) => delete::run(args, &places).await,
        Command::Retry(args) => retry::run(args, &places).await,
        Command::Continue(args) => continue_pause::run(args, &places).await,
        Command::Pause(args) => pause::run(args, &places).await,
        Command::Resume(args) => resume::run(args, &places).await,
        Command::Adopt(args) => adopt::run(args, &places).await,
    }
}
