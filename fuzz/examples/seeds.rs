//! Writes the recorded traffic, and messages of this package, as first inputs of the targets that take messages:
//! `cargo run --no-default-features --example seeds -- FOLDER`, where each target gets a folder.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs, io};

use socketio_redis_edge::msgpack::Reader;
use socketio_redis_edge::transcode::msgpack_to_json;
use socketio_redis_edge_fuzz::TARGETS;
use socketio_redis_edge_fuzz::adapter::examples;
use socketio_redis_edge_fuzz::recordings::{CLASSIC, SHARDED};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("a folder");
    for (target, _) in TARGETS {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds(target).iter().enumerate() {
            fs::write(folder.join(format!("{number:04}")), seed)?;
        }
    }
    Ok(())
}

fn seeds(target: &str) -> BTreeSet<Vec<u8>> {
    let own = examples();
    let messages = CLASSIC.iter().chain(&*SHARDED).map(|message| &message.payload).chain(&own);
    match target {
        "dialects" => messages.cloned().collect(),
        "msgpack_to_json" => messages.filter(|message| !is_json(message)).cloned().collect(),
        "json_to_msgpack" => messages.filter_map(|message| json_of(message)).collect(),
        // The others take operations; that on the adapter has the recordings among them.
        _ => BTreeSet::new(),
    }
}

fn is_json(message: &[u8]) -> bool {
    message.starts_with(b"{")
}

fn json_of(message: &[u8]) -> Option<Vec<u8>> {
    if is_json(message) {
        return Some(message.to_vec());
    }
    let mut text = Vec::new();
    msgpack_to_json(&mut Reader::new(message), &mut text, &mut Vec::new()).ok()?;
    Some(text)
}
