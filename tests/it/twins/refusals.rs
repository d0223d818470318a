//! What the simulated AWS says, read out of its source: every sentence there is a refusal that a
//! document of the table provokes, or it is listed, with the reason why none does.

use std::fs;
use std::path::{Path, PathBuf};

/// Services and what they share.
const FOLDERS: [&str; 5] = ["cloudwatch", "ecs", "elbv2", "logs", "secrets"];
const SHARED: [&str; 3] = ["form.rs", "shapes.rs", "wire.rs"];
/// Characters of the shortest sentence.
const SHORTEST: usize = 12;

/// A text of the simulated AWS.
pub struct Sentence {
    /// The file that has it, below the simulation's sources.
    pub file: String,
    /// As written, placeholders included.
    pub text: String,
}

impl Sentence {
    /// Whether a message is this sentence, or has it in it, its placeholders filled.
    pub fn is_in(&self, message: &str) -> bool {
        let mut rest = Some(message);
        let mut text = self.text.as_str();
        while let Some((part, after)) = text.split_once('{') {
            rest = skip(rest, part);
            text = after.split_once('}').map_or("", |(_, after)| after);
        }
        skip(rest, text).is_some()
    }
}

/// What follows a part of a message.
fn skip<'a>(message: Option<&'a str>, part: &str) -> Option<&'a str> {
    message.and_then(|message| message.find(part).map(|start| &message[start + part.len()..]))
}

/// All sentences, in the order of files.
pub fn sentences() -> Vec<Sentence> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("aws-sim/src");
    let mut files: Vec<PathBuf> = SHARED.iter().map(|name| root.join(name)).collect();
    for folder in FOLDERS {
        let listed = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(listed.filter(|path| {
            path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs")
        }));
    }
    files.sort();
    let mut sentences = Vec::new();
    for path in files {
        let file = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let texts = literals(&fs::read_to_string(&path).unwrap());
        sentences.extend(texts.into_iter().map(|text| Sentence { file: file.clone(), text }));
    }
    sentences
}

/// The string literals of a source without its tests, comments and attributes that are sentences.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.filter(|line| !line.trim_start().starts_with("#[")).collect::<Vec<_>>().join("\n");
    let code = code.replace("'\"'", "");
    let mut texts = Vec::new();
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once('"') {
        let (text, after) = literal(after);
        rest = after;
        if text.trim().contains(' ') && text.len() >= SHORTEST {
            texts.push(text);
        }
    }
    texts
}

/// The text up to the closing quote, and what follows it.
fn literal(code: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = code.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (text, &code[index + 1..]),
            '\\' => match characters.next() {
                Some((_, '\n')) => {
                    let rest = characters.as_str().trim_start();
                    let (end, after) = literal(rest);
                    return (text + &end, after);
                }
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            other => text.push(other),
        }
    }
    (text, "")
}
