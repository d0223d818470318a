//! Text to nodes: YAML 1.2 (of which JSON is a part), several documents in one text.
//!
//! Built on the event stream of the YAML parser instead of serde, for three things that serde
//! cannot give: the place of every key, all duplicate keys at once, and a budget that is counted in
//! nodes after aliases are expanded.
//!
//! Scalars follow the core schema of YAML 1.2 with one exception: a number with leading zeros stays
//! text, so an account id such as `012345678901` loses nothing. `yes`, `no`, `on` and `off` are
//! text.

use super::node::{MapEntry, Mark, Node, Value, child_path};
use crate::model::finding::{Finding, Place};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::{BTreeMap, BTreeSet};

/// Most values in one text, counted after aliases are expanded: far above any real text, far below
/// what hurts. What anchors keep for their aliases is counted on its own, up to the same limit.
const MAX_NODES: usize = 250_000;
/// Texts count as one more value for each so many bytes: a long text that aliases multiply takes
/// memory, too.
const BYTES_PER_NODE: usize = 64;
/// Longest key in characters, as YAML has it for keys without `?`. Keys stand in the path of every
/// finding below them.
const MAX_KEY: usize = 1024;
/// Most findings about one document: enough for any person, and no text makes more of them than
/// memory holds.
pub(super) const MOST_FINDINGS: usize = 1_000;
/// Deepest nesting, counted after aliases are expanded.
const MAX_DEPTH: usize = 128;

/// What a text holds.
#[derive(Debug, Default)]
pub(crate) struct ParsedText {
    /// Its documents, empty ones left out.
    pub documents: Vec<ParsedDocument>,
    /// Why the text as a whole is not usable; `documents` then holds what came before, which must
    /// not be used.
    pub broken: Option<Finding>,
}

/// One document of a text.
#[derive(Debug)]
pub(crate) struct ParsedDocument {
    /// Its content.
    pub root: Node,
    /// Duplicate keys, unknown tags, keys that are not text.
    pub findings: Vec<Finding>,
}

/// Reads all documents of `text`, which stands in `file`.
pub(crate) fn parse(file: &str, text: &str) -> ParsedText {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parsed = ParsedText::default();
    let mut builder = Builder::new(file);
    for event in Parser::new_from_str(text) {
        let step = event.map_err(|error| syntax_error(file, &error)).and_then(|(event, span)| {
            match event {
                Event::DocumentStart(..) => builder = Builder::new(file),
                Event::DocumentEnd => {
                    if let Some(document) = builder.finish() {
                        parsed.documents.push(document);
                    }
                }
                other => builder.take(other, span)?,
            }
            Ok(())
        });
        if let Err(finding) = step {
            parsed.broken = Some(finding);
            return parsed;
        }
    }
    parsed
}

fn syntax_error(file: &str, error: &serde_saphyr::granit_parser::ScanError) -> Finding {
    let marker = error.marker();
    let mark = Mark { line: number(marker.line()), column: number(marker.col() + 1) };
    let finding = Finding::error(
        "",
        format!("not well-formed YAML: {}", error.info()),
        "the last good version of what this file declares stays in force until the file can be read again",
    );
    placed(finding, file, mark)
}

/// Sets a finding's place.
pub(crate) fn placed(mut finding: Finding, file: &str, mark: Mark) -> Finding {
    finding.place = Some(Place { file: file.to_owned(), line: mark.line, column: mark.column });
    finding
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A value under construction or done, with what it costs.
#[derive(Clone, Debug)]
struct Built {
    node: Node,
    /// Values in it, itself included; see [`BYTES_PER_NODE`].
    size: usize,
    /// Levels in it, itself included.
    depth: usize,
}

enum Frame {
    List {
        mark: Mark,
        anchor: usize,
        items: Vec<Node>,
        size: usize,
        depth: usize,
    },
    Map {
        mark: Mark,
        anchor: usize,
        entries: Vec<MapEntry>,
        /// The line of each key.
        lines: BTreeMap<String, u32>,
        key: Option<(String, Mark)>,
        size: usize,
        depth: usize,
    },
}

struct Builder<'a> {
    file: &'a str,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Built>,
    root: Option<Node>,
    size: usize,
    /// What the anchors keep.
    kept: usize,
    findings: Vec<Finding>,
}

impl<'a> Builder<'a> {
    fn new(file: &'a str) -> Self {
        Self {
            file,
            stack: Vec::new(),
            anchors: BTreeMap::new(),
            root: None,
            size: 0,
            kept: 0,
            findings: Vec::new(),
        }
    }

    /// The document, unless there is nothing in it.
    fn finish(&mut self) -> Option<ParsedDocument> {
        let root = self.root.take()?;
        if matches!(root.value, Value::Null { .. }) {
            return None;
        }
        Some(ParsedDocument { root, findings: std::mem::take(&mut self.findings) })
    }

    /// Takes one event. The error ends the whole text.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Finding> {
        let mark = Mark { line: number(span.start.line()), column: number(span.start.col() + 1) };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let mut value = self.scalar(&text, style, tag.as_deref(), mark);
                // The parser gives `~` where nothing stands.
                if let Value::Null { written } = &mut value {
                    *written &= !span.is_empty();
                }
                let size = 1 + text.len() / BYTES_PER_NODE;
                self.done(Built { node: Node { mark, value }, size, depth: 1 }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", mark);
                self.open(Frame::List { mark, anchor, items: Vec::new(), size: 1, depth: 0 }, mark)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", mark);
                let (entries, lines) = (Vec::new(), BTreeMap::new());
                self.open(Frame::Map { mark, anchor, entries, lines, key: None, size: 1, depth: 0 }, mark)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.alias(id, mark),
            _ => Ok(()),
        }
    }

    fn open(&mut self, frame: Frame, mark: Mark) -> Result<(), Finding> {
        self.stack.push(frame);
        self.check_depth(self.stack.len(), mark)
    }

    fn check_depth(&self, depth: usize, mark: Mark) -> Result<(), Finding> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(placed(
            Finding::error("", format!("nested more than {MAX_DEPTH} levels deep"), "no document needs that"),
            self.file,
            mark,
        ))
    }

    fn alias(&mut self, id: usize, mark: Mark) -> Result<(), Finding> {
        let Some(built) = self.anchors.get(&id) else {
            let finding =
                Finding::error("", "an alias refers to a value that it is part of", "write the value out");
            return Err(placed(finding, self.file, mark));
        };
        if self.size + built.size > MAX_NODES {
            return Err(self.too_many(mark));
        }
        let mut built = built.clone();
        built.node.mark = mark;
        self.check_depth(self.stack.len() + built.depth, mark)?;
        self.done(built, 0)
    }

    fn too_many(&self, mark: Mark) -> Finding {
        placed(
            Finding::error(
                "",
                format!(
                    "more than {MAX_NODES} values once aliases are expanded, {BYTES_PER_NODE} bytes of text counted as one"
                ),
                "aliases of aliases multiply; write out what is meant, or split the file",
            ),
            self.file,
            mark,
        )
    }

    fn close(&mut self) -> Result<(), Finding> {
        let frame = self.stack.pop().expect("the parser closes only what it opened");
        match frame {
            Frame::List { mark, anchor, items, size, depth } => {
                let node = Node { mark, value: Value::List(items) };
                self.attach(Built { node, size, depth: depth + 1 }, anchor)
            }
            Frame::Map { mark, anchor, entries, size, depth, .. } => {
                let entries = self.merged(entries);
                let node = Node { mark, value: Value::Map(entries) };
                self.attach(Built { node, size, depth: depth + 1 }, anchor)
            }
        }
    }

    /// Counts a finished scalar or alias and puts it where it belongs.
    fn done(&mut self, built: Built, anchor: usize) -> Result<(), Finding> {
        self.size += built.size;
        if self.size > MAX_NODES {
            return Err(self.too_many(built.node.mark));
        }
        self.attach(built, anchor)
    }

    fn attach(&mut self, built: Built, anchor: usize) -> Result<(), Finding> {
        if anchor != 0 {
            self.kept += built.size;
            if self.kept > MAX_NODES {
                return Err(self.too_many(built.node.mark));
            }
            self.anchors.insert(anchor, built.clone());
        }
        match self.stack.last_mut() {
            None => self.root = Some(built.node),
            Some(Frame::List { items, size, depth, .. }) => {
                *size += built.size;
                *depth = (*depth).max(built.depth);
                items.push(built.node);
            }
            Some(Frame::Map { entries, lines, key, size, depth, .. }) => {
                *size += built.size;
                *depth = (*depth).max(built.depth);
                match key.take() {
                    None => {
                        let (name, fault) = key_of(&built.node);
                        *key = Some((name, built.node.mark));
                        if let Some((message, help)) = fault {
                            self.report(Finding::error("", message, help), built.node.mark);
                        }
                    }
                    Some((key, mark)) => match lines.get(&key).filter(|_| key != "<<") {
                        Some(line) => {
                            let message = format!("the key `{key}` is already set in line {line}");
                            self.report_twice(&key, message, mark);
                        }
                        None => {
                            lines.insert(key.clone(), mark.line);
                            entries.push(MapEntry { key, mark, node: built.node });
                        }
                    },
                }
            }
        }
        Ok(())
    }

    fn report(&mut self, finding: Finding, mark: Mark) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(placed(finding, self.file, mark));
        }
    }

    fn report_twice(&mut self, key: &str, message: String, mark: Mark) {
        if self.findings.len() < MOST_FINDINGS {
            let path = child_path(&self.path(), key);
            self.report(Finding::error(path, message, "keep one of the two"), mark);
        }
    }

    /// The field path of the map or list that is being read.
    fn path(&self) -> String {
        self.stack.iter().fold(String::new(), |path, frame| match frame {
            Frame::List { items, .. } => format!("{path}[{}]", items.len()),
            Frame::Map { key: Some((key, _)), .. } => child_path(&path, key),
            Frame::Map { key: None, .. } => path,
        })
    }

    /// Takes `<<` entries in: their fields fill what the map itself does not say.
    fn merged(&mut self, entries: Vec<MapEntry>) -> Vec<MapEntry> {
        if !entries.iter().any(|entry| entry.key == "<<") {
            return entries;
        }
        let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == "<<");
        let mut known: BTreeSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
        for merge in merges {
            let sources = match merge.node.value {
                Value::List(items) => items,
                _ => vec![merge.node],
            };
            for source in sources {
                let Value::Map(fields) = source.value else {
                    let finding = Finding::error(
                        "",
                        "`<<` merges maps only",
                        "give it an alias of a map, or a list of them",
                    );
                    self.report(finding, merge.mark);
                    continue;
                };
                for field in fields {
                    if known.insert(field.key.clone()) {
                        own.push(field);
                    }
                }
            }
        }
        own
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, mark: Mark) -> Value {
        let plain = style == ScalarStyle::Plain;
        match tag.map(|tag| (tag, tag.core_suffix())) {
            None if plain => resolve(text),
            None => Value::Text { text: text.to_owned(), plain: false },
            Some((_, Some("str"))) => Value::Text { text: text.to_owned(), plain: false },
            Some((_, Some("int" | "float" | "bool" | "null"))) => resolve(text),
            Some((tag, _)) => {
                self.unknown_tag(tag, mark);
                Value::Text { text: text.to_owned(), plain }
            }
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, allowed: &str, mark: Mark) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(allowed)
        {
            self.unknown_tag(tag, mark);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, mark: Mark) {
        let finding = Finding::error(
            "",
            format!("the tag `{}` means nothing here", tag.original()),
            "documents are plain YAML: functions of CloudFormation and other tools are not evaluated",
        );
        self.report(finding, mark);
    }
}

/// The key of a map entry; one that can be none is shown as `?`, with what is wrong with it and
/// what to do.
fn key_of(node: &Node) -> (String, Option<(String, &'static str)>) {
    let key = match &node.value {
        Value::Text { text, .. } => text.clone(),
        Value::Null { .. } => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::List(_) | Value::Map(_) => {
            let message = "a key must be text, not a list or a map".to_owned();
            return ("?".to_owned(), Some((message, "put the key in quotes")));
        }
    };
    if key.len() > MAX_KEY && key.chars().count() > MAX_KEY {
        return ("?".to_owned(), Some((format!("a key has more than {MAX_KEY} characters"), "shorten it")));
    }
    (key, None)
}

/// The value of a scalar without quotes.
fn resolve(text: &str) -> Value {
    match text {
        "" => return Value::Null { written: false },
        "~" | "null" | "Null" | "NULL" => return Value::Null { written: true },
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    match numeric(text) {
        Some(number) => Value::Number(number),
        None => Value::Text { text: text.to_owned(), plain: true },
    }
}

fn numeric(text: &str) -> Option<serde_json::Number> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && digits.chars().all(|c| c.is_digit(radix))
        {
            return u64::from_str_radix(digits, radix).ok().map(Into::into);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().any(|c| c.is_ascii_digit())
        && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    if !is_number {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    text.parse::<f64>().ok().and_then(serde_json::Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> serde_json::Value {
        let parsed = parse("a.yaml", text);
        assert!(parsed.broken.is_none(), "{:?}", parsed.broken);
        parsed.documents.into_iter().next().expect("a document").root.to_json()
    }

    #[test]
    fn scalars_follow_yaml_1_2_and_leading_zeros_stay_text() {
        let value = one(
            "a: yes\nb: no\nc: on\nd: true\ne: 0x1f\nf: 012345678901\ng: 1.5\nh: ~\ni: 1e3\nj: +7\nk: 1.2.3\nl: '5'\nm: 0\nn: -0.5\no: 2026-01-02\n",
        );
        assert_eq!(
            value,
            serde_json::json!({"a": "yes", "b": "no", "c": "on", "d": true, "e": 31, "f": "012345678901", "g": 1.5,
                "h": null, "i": 1000.0, "j": 7, "k": "1.2.3", "l": "5", "m": 0, "n": -0.5, "o": "2026-01-02"})
        );
    }

    #[test]
    fn json_is_read_with_its_places() {
        let parsed = parse("a.json", "{\n\t\"a\": {\"b\": [1, \"\\u00e9\\/\"]}\n}\n");
        assert!(parsed.broken.is_none(), "{:?}", parsed.broken);
        let root = &parsed.documents[0].root;
        assert_eq!(root.to_json(), serde_json::json!({"a": {"b": [1, "é/"]}}));
        assert_eq!(
            root.get("a").and_then(|a| a.get("b")).map(|b| b.mark),
            Some(Mark { line: 2, column: 13 })
        );
    }

    #[test]
    fn a_merge_key_fills_what_the_map_itself_leaves_out() {
        let value = one("base: &b {x: 1, y: 2}\nall:\n  <<: *b\n  y: 3\n");
        assert_eq!(value["all"], serde_json::json!({"x": 1, "y": 3}));
    }

    #[test]
    fn empty_documents_and_a_byte_order_mark_are_skipped() {
        let parsed = parse("a.yaml", "\u{feff}---\n---\n# only a comment\n---\na: 1\n---\n");
        assert!(parsed.broken.is_none(), "{:?}", parsed.broken);
        assert_eq!(parsed.documents.len(), 1);
        assert_eq!(parsed.documents[0].root.mark, Mark { line: 5, column: 1 });
    }

    #[test]
    fn aliases_that_multiply_are_stopped() {
        let mut text = "a0: &a0 [1,2,3,4,5,6,7,8,9]\n".to_owned();
        for level in 1..12 {
            let row = vec![format!("*a{}", level - 1); 9].join(",");
            text.push_str(&format!("a{level}: &a{level} [{row}]\n"));
        }
        let broken = parse("a.yaml", &text).broken.expect("a finding");
        assert!(broken.message.contains("aliases"), "{broken}");
    }

    #[test]
    fn an_alias_inside_of_its_own_anchor_is_refused() {
        assert!(parse("a.yaml", "a: &a [*a]\n").broken.is_some());
    }

    #[test]
    fn nesting_without_end_is_stopped() {
        assert!(parse("a.yaml", &"[".repeat(100_000)).broken.is_some());
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(parse("a.yaml", &deep).broken.is_some());
    }
}
