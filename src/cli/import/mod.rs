//! `ctl import`: a document for what runs in ECS already.
//!
//! A service, its task definition, its target groups, the listeners and rules that forward to these
//! and the log groups that it writes to become one `Application` with `adopt: true`. Planned
//! against the same AWS, that document writes nothing but the tags by which Evenkeel knows what is
//! its own. What no document can hold is a comment at its place, and is said on stderr.
//!
//! **Never** writes to AWS, nor over a file.

mod brief;
mod document;
mod keys;
mod members;
mod note;
mod seen;
mod text;

use super::places::Places;
use super::{ExitStatus, out};
use crate::aws::Aws;
use crate::model::finding::Finding;
use crate::model::kinds::{Document, Placement};
use anyhow::{Context, anyhow};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "AWS is read, with the standard configuration (or the demo's), and nothing is written there.\n\n\
                  Examples:\n  ctl import --cluster shop --service web\n  ctl import --cluster shop --service web --service worker --name shop -o shop.yaml\n  \
                  ctl import --cluster shop --service web | ctl plan -f -"
)]
pub(super) struct Args {
    /// Name or ARN of the cluster
    #[arg(long)]
    cluster: String,
    /// Name or ARN of a service; several make several components
    #[arg(long, required = true)]
    service: Vec<String>,
    /// Name of the deployment; by default the first service's
    #[arg(long)]
    name: Option<String>,
    /// Region; by default that of the environment or profile
    #[arg(long)]
    region: Option<String>,
    /// Role to assume for every call, which the document then names, too
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Write to a new file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What an import came to.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The document.
    pub document: Document,
    /// The same as YAML, with comments.
    pub text: String,
    /// What a person should know, a sentence each.
    pub warnings: Vec<String>,
    /// What keeps the document from being used as it stands.
    pub errors: Vec<Finding>,
}

/// Imports and prints; 1 when the document cannot be used as it stands.
pub(super) async fn run(args: Args, places: &Places) -> anyhow::Result<ExitStatus> {
    let region = match (&args.region, places.region()?) {
        (Some(region), _) => region.clone(),
        (None, Some(region)) => region,
        (None, None) => Aws::region_of_environment()
            .await
            .ok_or_else(|| anyhow!("no region is known: give one with --region (or AWS_REGION)"))?,
    };
    let placement = Placement { region, cluster: args.cluster, role_arn: args.role_arn };
    let aws = Aws::connect(places.aws()?).await;
    let imported = import(&aws, placement, &args.service, args.name.as_deref()).await?;
    imported.warnings.iter().for_each(|warning| out::warn(warning));
    match &args.output {
        Some(file) => write_new(file, &imported.text)?,
        None => out::print(&imported.text)?,
    }
    for error in &imported.errors {
        anstream::eprintln!("{error}");
    }
    Ok(ExitStatus::good_if(imported.errors.is_empty()))
}

/// The document for some services of one cluster.
///
/// # Errors
///
/// There is no such cluster or service, with the one that was probably meant; a service is deleted,
/// or deployed by another than ECS; AWS could not be read.
pub async fn import(
    aws: &Aws,
    placement: Placement,
    services: &[String],
    name: Option<&str>,
) -> anyhow::Result<Imported> {
    let clients = aws.at(&placement).await;
    let seen = seen::read(&clients, placement, services).await?;
    let document::Built { document, notes, errors } = document::document(&seen, name)?;
    let names: Vec<&str> = seen.services.iter().map(|one| one.service.name.as_str()).collect();
    let head = format!(
        "Imported by `ctl import` from cluster {} in {}: {}.\nLook at `ctl plan -f` before you put it into the store: it says what is \
         written, tags alone as long as nothing else is changed.",
        seen.placement.cluster,
        seen.placement.region,
        names.join(", ")
    );
    let text = text::text(&document, &head, &notes)?;
    let warnings = notes.iter().filter(|note| note.warns);
    let warnings = warnings.map(|note| format!("{}: {}", note.field, note.message)).collect();
    Ok(Imported { document, text, warnings, errors })
}

/// Writes a file that must not be there yet.
///
/// # Errors
///
/// It is there, or cannot be written.
pub(super) fn write_new(file: &Path, text: &str) -> anyhow::Result<()> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
    let mut made = match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(anyhow!("{} is there already: give the name of a new file", file.display()));
        }
        made => made.with_context(|| format!("cannot make {}", file.display()))?,
    };
    made.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))
}
