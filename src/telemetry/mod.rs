//! Logs.
//!
//! One span per pass, with its id and why it ran. ERROR: a person must act; WARN: odd, but heals;
//! INFO: an action was taken or a condition changed; DEBUG: a pass. Errors are logged where they
//! are handled, with their whole chain, once.

use crate::model::visible::visible;
use crate::settings::LogFormat;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::EnvFilter;

/// Sets logging up for the process, on standard error.
///
/// # Errors
///
/// The filter cannot be parsed.
pub fn init(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("log filter `{filter}`: {error}"))?;
    let terminal = io::stderr().is_terminal();
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    if json {
        let builder = builder.with_writer(io::stderr).json();
        builder.flatten_event(true).with_current_span(true).with_span_list(false).init();
    } else {
        let writer = || OneLine(io::stderr());
        builder.with_writer(writer).with_ansi(terminal).with_target(false).init();
    }
    Ok(())
}

/// Writes events as text, each in one line: a line break in what AWS or a document says would look
/// like an event of its own.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// An event comes in one piece, with a line break at its end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut shown = String::with_capacity(text.len());
        let mut parts = line.split(COLOUR);
        shown.push_str(&visible(parts.next().unwrap_or_default()));
        for part in parts {
            // The formatter's own colours: those of values it has escaped.
            let end =
                part.find(|c: char| !matches!(c, '0'..='9' | ';')).filter(|at| part[*at..].starts_with('m'));
            let (colour, rest) = part.split_at(end.map_or(0, |at| at + 1));
            shown.push_str(if colour.is_empty() { ESCAPED } else { COLOUR });
            shown.push_str(colour);
            shown.push_str(&visible(rest));
        }
        shown.push_str(&text[line.len()..]);
        self.0.write_all(shown.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How a colour begins, and how the same is shown that is none.
const COLOUR: &str = "\u{1b}[";
const ESCAPED: &str = "\\u{1b}[";

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_says_and_only_the_colours_of_the_log_are_colours() {
        for ansi in [false, true] {
            let kept = Kept::default();
            let writer = kept.clone();
            let log = tracing_subscriber::fmt().with_writer(move || OneLine(writer.clone())).with_ansi(ansi);
            let hostile = "a\nINFO all is well\u{1b}[2J\u{1b}[31mred\u{7}\u{9b}31m\u{202e}";
            tracing::subscriber::with_default(log.finish(), || {
                tracing::info!(message = hostile, field = hostile, debug = ?hostile, "{hostile}");
                tracing::info!("{}", hostile);
            });
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.matches('\n').count(), 2, "{text:?}");
            assert_eq!(text.contains(COLOUR), ansi, "{text:?}");
            let plain = anstream::adapter::strip_str(&text).to_string();
            let hidden = |c: char| crate::model::visible::is_hidden(c) && c != '\n';
            assert!(!plain.contains(hidden), "{plain:?}");
            assert!(!text.contains("\u{1b}[2J") && !text.contains("\u{1b}[31m"), "{text:?}");
        }
    }
}
