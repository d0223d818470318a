//! Logs.
//!
//! One span per pass, with its id and why it ran. ERROR: a person must act; WARN: odd, but heals;
//! INFO: an action was taken or a condition changed; DEBUG: a pass. Errors are logged where they
//! are handled, with their whole chain, once.

use crate::settings::LogFormat;
use std::error::Error;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sets logging up for the process, on standard error.
///
/// # Errors
///
/// The filter cannot be parsed.
pub fn init(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("log filter `{filter}`: {error}"))?;
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    } else {
        builder.with_ansi(terminal).with_target(false).init();
    }
    Ok(())
}

/// An error and all its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
