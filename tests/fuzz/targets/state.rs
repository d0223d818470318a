//! State files: whatever the bytes are, nothing comes out whose checksum does not fit, and what was
//! written comes back equal.

use arbitrary::Unstructured;
use evenkeel::model::status::Record;
use evenkeel::state::{ErrorKind, StoreReport, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt::Debug;
use std::path::Path;

/// What a controller stored in the middle of an upgrade.
const STORED: &str = include_str!("../seeds/record.json");

/// The first byte says what the rest is: `c` the content of a file whose checksum fits, `e` edits
/// of a real file, anything else a whole file.
pub fn check(bytes: &[u8]) {
    match bytes.split_first() {
        Some((b'c', content)) => {
            if let Some(file) = sealed(content) {
                check_file(&file);
            }
        }
        Some((b'e', edits)) => check_edited(edits),
        _ => check_file(bytes),
    }
}

fn check_file(file: &[u8]) {
    check_as::<Record>(file);
    check_as::<StoreReport>(file);
}

fn check_as<T: DeserializeOwned + Serialize + PartialEq + Debug>(file: &[u8]) {
    match decode::<T>(Path::new("x.json"), file) {
        Ok(content) => {
            assert!(fits(file), "the checksum does not fit");
            let again = decode::<T>(Path::new("x.json"), &encode(&content)).expect("it was just written");
            assert_eq!(again, content);
            assert_eq!(encode(&again), encode(&content));
        }
        Err(error) if matches!(error.kind, ErrorKind::Damaged | ErrorKind::TooNew) => {
            assert!(!error.to_string().is_empty());
        }
        Err(other) => panic!("decoding did {other}"),
    }
}

/// A file of today's format around a content, by the description of the format and not by its code.
fn sealed(content: &[u8]) -> Option<Vec<u8>> {
    let content = std::str::from_utf8(content).ok()?.trim();
    Some(format!(r#"{{"format":1,"checksum":"{}","content":{content}}}"#, sha256(content)).into_bytes())
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the checksum of a file fits its content, read in another way than the product does.
fn fits(file: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Raw {
        checksum: String,
        content: Box<RawValue>,
    }
    serde_json::from_slice::<Raw>(file).is_ok_and(|raw| sha256(raw.content.get()) == raw.checksum)
}

/// A damaged file is refused, or what was damaged did not matter and the record is the one that was
/// stored.
fn check_edited(edits: &[u8]) {
    let stored: Record = serde_json::from_str(STORED).expect("the seed is a record");
    let mut file = encode(&stored);
    edit(&mut file, &mut Unstructured::new(edits));
    if let Ok(read) = decode::<Record>(Path::new("x.json"), &file) {
        assert_eq!(read, stored, "a damaged file was taken for a good one");
    }
    check_as::<StoreReport>(&file);
}

fn edit(file: &mut Vec<u8>, choices: &mut Unstructured<'_>) {
    while !choices.is_empty() && !file.is_empty() {
        let length = file.len();
        let at = choices.int_in_range(0..=length - 1).unwrap_or(0);
        let end = choices.int_in_range(at..=length).unwrap_or(length);
        match choices.int_in_range(0..=5).unwrap_or(0u8) {
            0 => file[at] = choices.arbitrary().unwrap_or(0),
            1 => file.insert(at, choices.arbitrary().unwrap_or(0)),
            2 => file.truncate(at),
            3 => drop(file.drain(at..end)),
            // A block of zeros, as a file system leaves it after a power cut.
            4 => file[at..end].fill(0),
            _ => file.extend_from_within(at..end.min(at + 4096)),
        }
    }
}
