//! Every input that was kept, once more: the corpora, which reach all that fuzzing has reached, and what
//! once made a target fail. Needs neither libFuzzer nor instrumentation.

use std::path::{Path, PathBuf};
use std::{fs, io, panic, thread};

use socketio_redis_edge_fuzz::{Run, TARGETS};

/// Values are a thousand deep, and the crates that ours are compared with read them by recursion.
const STACK: usize = 64 << 20;

/// The files of a folder of tests/fuzz; none if it is not there.
fn inputs(kind: &str, target: &str) -> Vec<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz").join(kind).join(target);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.expect("an entry").path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

fn replay(name: &str, run: Run) {
    let mut inputs = inputs("corpus", name);
    assert!(!inputs.is_empty(), "tests/fuzz/corpus/{name} is empty");
    inputs.extend(self::inputs("crashes", name));
    let failed: Vec<_> = inputs
        .into_iter()
        .filter(|path| {
            let input = fs::read(path).expect("a file");
            panic::catch_unwind(|| run(&input)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "{name} fails with {failed:?}");
}

#[test]
fn kept_inputs_pass() {
    for (name, run) in TARGETS {
        let replay = thread::Builder::new().stack_size(STACK).spawn(move || replay(name, run));
        replay.expect("a thread").join().expect("all pass");
    }
}
