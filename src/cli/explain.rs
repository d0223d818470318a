//! `ctl explain`: a kind or one of its fields, from the types themselves.

use super::ExitStatus;
use super::out::{self, Cell, HEAD};
use crate::model::kinds::Kind;
use crate::model::nearest::nearest;
use crate::model::schema::{Explained, explain, undeclarable};
use anyhow::anyhow;
use std::fmt::Write as _;

/// Longest description of a field below the one that is asked for.
const SHORT: usize = 100;

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Keys of maps and numbers of list items may be left out.\n\n\
                  Examples:\n  ctl explain PulumiService\n  ctl explain Application.spec.components.service.desiredCount")]
pub(super) struct Args {
    /// The kind, and the field below it
    #[arg(value_name = "KIND[.FIELD.PATH]")]
    what: String,
}

/// Explains.
pub(super) fn run(args: Args) -> anyhow::Result<ExitStatus> {
    let (word, path) = args.what.split_once('.').unwrap_or((&args.what, ""));
    let kind = kind(word)?;
    // What people ask about is nearly always in the spec: they may leave the word out.
    let in_spec = format!("spec.{path}");
    let (path, explained) = [path, &in_spec]
        .into_iter()
        .find_map(|path| Some((path, explain(kind, path)?)))
        .ok_or_else(|| no_such_field(kind, path))?;
    out::print(&shown(kind, path, &explained))?;
    Ok(ExitStatus::Good)
}

/// Reads a kind, in any case.
///
/// # Errors
///
/// The kinds that there are.
pub(super) fn kind(word: &str) -> anyhow::Result<Kind> {
    let known: Vec<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
    let found = Kind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word));
    found.ok_or_else(|| match nearest(word, &known) {
        Some(meant) => anyhow!("there is no kind `{word}`; did you mean `{meant}`?"),
        None => anyhow!("there is no kind `{word}`; there are: {}", known.join(", ")),
    })
}

/// Names the part of the path that is wrong and what was probably meant.
fn no_such_field(kind: Kind, path: &str) -> anyhow::Error {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    match explain(kind, above) {
        None => no_such_field(kind, above),
        Some(parent) => {
            let known: Vec<&str> = parent.fields.iter().map(|(name, _)| name.as_str()).collect();
            let there = if above.is_empty() { kind.to_string() } else { format!("{kind}.{above}") };
            match nearest(last, &known) {
                Some(meant) => anyhow!("{there} has no field `{last}`; did you mean `{meant}`?"),
                None if known.is_empty() => anyhow!("{there} has no fields"),
                None => anyhow!("{there} has no field `{last}`; it has: {}", known.join(", ")),
            }
        }
    }
}

fn shown(kind: Kind, path: &str, explained: &Explained) -> String {
    let name = if path.is_empty() { kind.to_string() } else { format!("{kind}.{path}") };
    let required = if explained.required && !path.is_empty() { ", required" } else { "" };
    let mut text = format!("{HEAD}{name}{HEAD:#}  <{}>{required}\n", explained.kind);
    if let Some(default) = &explained.default {
        let _ = writeln!(text, "Default: {default}");
    }
    if !explained.description.is_empty() {
        let _ = writeln!(text, "\n{}", explained.description);
    }
    if !explained.fields.is_empty() {
        let rows: Vec<Vec<Cell>> = explained
            .fields
            .iter()
            .map(|(name, field)| {
                let mark = if field.required { "*" } else { "" };
                vec![
                    Cell::plain(format!("{name}{mark}")),
                    Cell::plain(out::short(&field.kind, 40)),
                    Cell::message(out::short(&field.description, SHORT)),
                ]
            })
            .collect();
        let _ = write!(text, "\n{}", out::table(&["FIELD", "TYPE", "WHAT IT IS"], &rows));
        if explained.fields.iter().any(|(_, field)| field.required) {
            text.push_str("\n* required\n");
        }
    }
    let missing: Vec<&str> = undeclarable(path).into_iter().map(|field| field.name).collect();
    if !missing.is_empty() {
        let _ = writeln!(text, "\nOf AWS's API, not to be declared yet: {}", missing.join(", "));
    }
    text
}
