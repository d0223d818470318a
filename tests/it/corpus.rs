//! The fuzz targets (`tests/fuzz`) over their committed corpus: what was once found stays found,
//! without any fuzzer.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::path::{Path, PathBuf};

/// Files of a folder below `tests/`, and of the folders in it.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => found.push(path),
            // Not a link, for one of the cases is a loop of them.
            Ok(metadata) if metadata.is_dir() && !path.is_symlink() => files(&path, found),
            _ => {}
        }
    }
}

fn replay(folders: &[&str], check: fn(&[u8])) {
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut found = Vec::new();
        files(&folder, &mut found);
        found.sort();
        assert!(found.len() >= 4, "{} is gone", folder.display());
        for file in found {
            let bytes = std::fs::read(&file).unwrap();
            let outcome = std::panic::catch_unwind(|| check(&bytes));
            assert!(outcome.is_ok(), "{} breaks an invariant, see above", file.display());
        }
    }
}

#[test]
fn any_bytes_may_stand_in_a_spec_store() {
    let folders =
        ["tests/fuzz/corpus/documents", "manifests/examples", "tests/cases/specs", "tests/cases/render"];
    replay(&folders, targets::documents::check);
}

#[test]
fn documents_that_mean_the_same_never_differ_and_a_changed_field_is_always_seen() {
    replay(&["tests/fuzz/corpus/meaning"], targets::meaning::check);
}

#[test]
fn no_state_file_is_believed_whose_checksum_does_not_fit() {
    replay(&["tests/fuzz/corpus/state"], targets::state::check);
}
