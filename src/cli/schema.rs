//! `ctl schema`: schemas for editors and for Kubernetes, from the types themselves.

use super::out::{self, Structured};
use super::{ExitStatus, explain};
use crate::model::schema::{crd, editor_schema, generated_files, output_schemas};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "In an editor: put `# yaml-language-server: $schema=FILE` at the head of a document.\n\n\
                  Examples:\n  ctl schema Application > application.schema.json\n  ctl schema Datero --crd | kubectl apply -f -\n  \
                  ctl schema --write ."
)]
pub(super) struct Args {
    /// The kind of a document, or of an output: DeploymentList, Deployment, EventList, PlanList,
    /// Plan, FindingList or Error
    #[arg(required_unless_present = "write")]
    kind: Option<String>,
    /// As a Kubernetes CustomResourceDefinition, in YAML
    #[arg(long)]
    crd: bool,
    /// Write the schemas and CRDs of all kinds below this folder, as `crds/…`
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kind", "crd"])]
    write: Option<PathBuf>,
}

/// Prints or writes.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    if let Some(folder) = &args.write {
        return write(folder);
    }
    let word = args.kind.as_deref().unwrap_or_default();
    let output = output_schemas().into_iter().find(|(kind, _)| kind.eq_ignore_ascii_case(word));
    if let Some((_, schema)) = output.filter(|_| !args.crd) {
        out::print(&out::structured(&schema, Structured::Json)?)?;
        return Ok(ExitStatus::Good);
    }
    let kind = explain::kind(word)?;
    out::print(&if args.crd {
        out::structured(&crd(kind), Structured::Yaml)?
    } else {
        out::structured(&editor_schema(kind), Structured::Json)?
    })?;
    Ok(ExitStatus::Good)
}

fn write(folder: &Path) -> anyhow::Result<ExitStatus> {
    for (path, content) in generated_files() {
        let path = folder.join(path);
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
        }
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        out::print(&format!("{}\n", path.display()))?;
    }
    Ok(ExitStatus::Good)
}
