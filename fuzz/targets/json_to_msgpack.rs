//! See the module of this name.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| socketio_redis_edge_fuzz::json_to_msgpack::run(data));
