//! How things are said: tables in the plain manner of kubectl, ages, colours, structured output.

use crate::model::heartbeat;
use crate::model::visible::{made_visible, visible};
use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{ErrorKind, Write};
use unicode_width::UnicodeWidthStr;

/// Structured output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Structured {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Red.
pub(super) const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
/// Yellow.
pub(super) const BUSY: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
/// Green.
pub(super) const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
/// Headings.
pub(super) const HEAD: Style = Style::new().bold();
/// Nothing special.
pub(super) const PLAIN: Style = Style::new();

/// Writes to stdout; colours fall away where nobody sees them. A reader that went away (`| head`)
/// is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

/// What is shown to people of a value: without anything that their terminal would act on.
///
/// # Errors
///
/// The value cannot be read back from its own JSON.
pub(super) fn for_people<T: Serialize + DeserializeOwned>(value: &T) -> anyhow::Result<T> {
    made_visible(value).context("cannot be shown")
}

/// Something that a person should know although it is not what was asked for.
pub(super) fn warn(text: &str) {
    anstream::eprintln!("{BUSY}warning{BUSY:#}: {}", visible(text));
}

/// A value as JSON or YAML, ending with a line break.
pub(super) fn structured(value: &impl Serialize, form: Structured) -> anyhow::Result<String> {
    match form {
        Structured::Json => Ok(serde_json::to_string_pretty(value).context("cannot write JSON")? + "\n"),
        Structured::Yaml => {
            let text = serde_saphyr::to_string(value).context("cannot write YAML")?;
            Ok(if text.ends_with('\n') { text } else { text + "\n" })
        }
    }
}

/// A cell with its colour: one line, whatever the text is.
#[derive(Clone, Debug)]
pub(super) struct Cell(String, Style);

impl Cell {
    /// A cell without colour; empty ones show a dash, so that columns can be told apart and cut by
    /// tools.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::coloured(if text.is_empty() { "-".to_owned() } else { text }, PLAIN)
    }

    /// A cell that stays empty when it is; for the last column.
    pub(super) fn message(text: impl Into<String>) -> Self {
        Self::coloured(text, PLAIN)
    }

    /// A cell with a colour.
    pub(super) fn coloured(text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        Self(visible(&text).into_owned(), style)
    }
}

/// A table without borders: columns three spaces apart, as wide as their widest cell, counted in
/// cells of the terminal: a letter of Chinese takes two.
pub(super) fn table(heads: &[&str], rows: &[Vec<Cell>]) -> String {
    let width = |text: &str| UnicodeWidthStr::width(text);
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| {
            rows.iter().map(|row| width(&row[column].0)).max().unwrap_or(0).max(width(head))
        })
        .collect();
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = (&str, Style)>| {
        let mut pad = 0;
        for (column, (text, style)) in cells.enumerate() {
            if !text.is_empty() {
                out.push_str(&" ".repeat(pad));
                out.push_str(&format!("{style}{text}{style:#}"));
                pad = 0;
            }
            pad += widths[column] - width(text) + 3;
        }
        out.push('\n');
    };
    line(&mut heads.iter().map(|head| (*head, HEAD)));
    for row in rows {
        line(&mut row.iter().map(|Cell(text, style)| (text.as_str(), *style)));
    }
    out
}

/// How long ago something was, as kubectl says it: `5s`, `3m`, `2h`, `4d`.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    heartbeat::age(now.duration_since(then))
}

/// The beginning of a text in one line, at most `most` characters.
pub(super) fn short(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most - 1).collect();
    format!("{}…", cut.trim_end())
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_no_trailing_spaces_and_dashes_for_nothing() {
        let rows = vec![
            vec![Cell::plain("a-long-name"), Cell::plain(""), Cell::message("")],
            vec![Cell::plain("b"), Cell::plain("x"), Cell::message("why")],
        ];
        let text = anstream::adapter::strip_str(&table(&["NAME", "KIND", "MESSAGE"], &rows)).to_string();
        assert_eq!(text, "NAME          KIND   MESSAGE\na-long-name   -\nb             x      why\n");
    }

    #[test]
    fn columns_stand_below_each_other_whatever_is_in_them() {
        let rows = vec![
            vec![Cell::plain("店舗"), Cell::message("two cells each")],
            vec![Cell::plain("shop"), Cell::message("one")],
        ];
        let text = anstream::adapter::strip_str(&table(&["NAME", "MESSAGE"], &rows)).to_string();
        assert_eq!(text, "NAME   MESSAGE\n店舗   two cells each\nshop   one\n");
    }

    #[test]
    fn ages_are_short() {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let at = |seconds: i64| age(now - jiff::SignedDuration::from_secs(seconds), now);
        assert_eq!(
            [at(5), at(119), at(121), at(7_300), at(200_000), at(-5)],
            ["5s", "119s", "2m", "2h", "2d", "0s"]
        );
    }

    #[test]
    fn long_texts_are_cut_in_one_line() {
        assert_eq!(short("a\n  b", 10), "a b");
        assert_eq!(short("abcdefgh", 5), "abcd…");
    }
}
