//! Requests of other servers, of every version: what this one does, and where its answer goes.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::Output;
use socketio_redis_edge::dialect::Data;
use socketio_redis_edge::options::Options;
use socketio_redis_edge::room::Room;

use super::{
    A, B, NOW, REQUESTS, RESPONSES, connect, hear, join, only, outputs, published, server,
    server_with, value,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn ask(server: &mut Adapter, message: &str) -> Vec<Output> {
    hear(server, REQUESTS, message)
}

fn specific() -> Adapter {
    let publish_on_specific_response_channel = true;
    server_with("two", Options { publish_on_specific_response_channel, ..Options::default() })
}

#[test]
fn the_answer_goes_where_its_server_hears_it() {
    const TO_OLD: &str = "socket.io-response#/#KgkYV5#";
    // @socket.io/redis-adapter 7 and 8, socket.io-redis 6.1, this package.
    let published_package = r#"{"uid":"KgkYV5","requestId":"x","type":1}"#;
    let without_uid = r#"{"requestId":"x","type":1}"#;
    let ours = r#"{"uid":"KgkYV5","requestId":"x","type":1,"named":true}"#;
    let (plain, named) =
        (r#"{"requestId":"x","rooms":[]}"#, r#"{"requestId":"x","rooms":[],"uid":"two"}"#);
    for (make, request, channel, answer) in [
        ((|| server("two")) as fn() -> Adapter, published_package, RESPONSES, plain),
        (|| server("two"), without_uid, RESPONSES, plain),
        (|| server("two"), ours, TO_OLD, named),
        (specific, published_package, TO_OLD, plain),
        // On "…#undefined#", where the published packages answer, nobody hears it.
        (specific, without_uid, RESPONSES, plain),
        (specific, ours, TO_OLD, named),
    ] {
        let mut two = make();
        assert_eq!(ask(&mut two, request), [published(None, channel, answer)], "{request}");
        assert_eq!(two.stats().requests, 1);
    }
}

#[test]
fn what_asks_for_nothing_gets_no_answer() {
    let mut two = server("two");
    let slot = connect(&mut two, "s", A);
    for request in [
        r#"{"uid":"other","type":0,"rooms":[]}"#,
        r#"{"uid":"other","type":1}"#,
        r#"{"uid":"other","type":5,"opts":{}}"#,
        r#"{"uid":"other","type":7,"packet":{"type":2,"data":["e"]},"opts":{}}"#,
        r#"{"uid":"other","requestId":"x","type":2,"sid":"elsewhere","room":"a"}"#,
        // A room is no socket.
        r#"{"uid":"other","requestId":"x","type":4,"sid":"a"}"#,
        r#"{"type":4,"opts":{"rooms":["nobody"]},"close":true}"#,
    ] {
        assert_eq!(ask(&mut two, request), [], "{request}");
    }
    // The emitters ask for what nobody answers, and tell no uid.
    let reply = None;
    let asked = r#"{"uid":"emitter","type":6,"data":["e",1]}"#;
    let data = value(r#"["e",1]"#);
    assert_eq!(only(ask(&mut two, asked)), Output::ServerSideEmit { data, reply });
    let sockets = vec![slot];
    let asked = r#"{"type":4,"opts":{"rooms":[],"except":[]},"close":true}"#;
    assert_eq!(only(ask(&mut two, asked)), Output::Disconnect { sockets, close: true });
    assert_eq!(outputs(&mut two), []);
}

#[test]
fn a_request_is_done_to_the_sockets_that_match() {
    let mut two = server("two");
    let (s, t) = (connect(&mut two, "s", A), connect(&mut two, "t", A));
    connect(&mut two, "u", B);
    join(&mut two, t, B);
    let rooms = || value(r#"["x",1]"#);
    let join = r#"{"type":2,"opts":{"rooms":["a"],"except":["b"]},"rooms":["x",1]}"#;
    assert_eq!(only(ask(&mut two, join)), Output::Join { sockets: vec![s], rooms: rooms() });
    let leave = r#"{"type":3,"opts":{"rooms":["a"],"except":["nobody"]},"rooms":["x",1]}"#;
    let sockets = vec![s, t];
    assert_eq!(only(ask(&mut two, leave)), Output::Leave { sockets, rooms: rooms() });
    let fetch = r#"{"requestId":"x","type":5,"opts":{"rooms":["b"],"except":["u","nobody"]}}"#;
    let Output::Fetch { sockets, .. } = only(ask(&mut two, fetch)) else { panic!("no fetch") };
    // A socket that is in its own room alone by name: "u" is none of these here.
    assert_eq!(sockets.len(), 2);
    for (request, close) in
        [(r#"{"type":4,"opts":{},"close":false}"#, false), (r#"{"type":4,"opts":{}}"#, false)]
    {
        let Output::Disconnect { sockets, close: said } = only(ask(&mut two, request)) else {
            panic!("nobody disconnects");
        };
        assert_eq!((sockets.len(), said), (3, close));
    }
}

#[test]
fn one_socket_is_asked_by_version_6_with_or_without_close() {
    let done = || published(None, RESPONSES, r#"{"requestId":"x"}"#);
    for (request, expected) in [
        (r#"{"requestId":"x","type":4,"sid":"s"}"#, false),
        (r#"{"requestId":"x","type":4,"sid":"s","close":true}"#, true),
    ] {
        let mut two = server("two");
        let sockets = vec![connect(&mut two, "s", A)];
        let disconnect = Output::Disconnect { sockets, close: expected };
        assert_eq!(ask(&mut two, request), [disconnect, done()]);
    }
    let mut two = server("two");
    let sockets = vec![connect(&mut two, "s", A)];
    let join = Output::Join { sockets, rooms: value("[42]") };
    let request = r#"{"requestId":"x","type":2,"sid":"s","room":42}"#;
    assert_eq!(ask(&mut two, request), [join, done()]);
}

/// Published servers apply what comes back to them; here the host has done it when it asked.
#[test]
fn what_this_server_asked_does_nothing_when_it_comes_back() {
    let mut one = server("one");
    connect(&mut one, "s", A);
    one.join_sockets(&[A], &[], &[B], NOW);
    one.server_side_emit(Data::json(br#"["e"]"#));
    one.fetch_sockets(&[], &[], None, NOW);
    one.handle_count(Some(1), &[2], NOW);
    let mut echoes = 0;
    for output in outputs(&mut one) {
        if matches!(output, Output::Publish { .. }) {
            assert_eq!(super::bring(&output, &mut one), []);
            echoes += 1;
        }
    }
    assert_eq!((echoes, one.stats().echo, one.stats().requests), (3, 3, 0));
}

#[test]
fn other_channels_are_none_of_its_business() {
    let mut two = server("two");
    let request = r#"{"requestId":"x","type":1}"#;
    for channel in ["socket.io-request#/a#", "socket.io#/#", "other-request#/#", ""] {
        assert_eq!(hear(&mut two, channel, request), []);
    }
    assert_eq!((two.stats().foreign, two.stats().requests), (4, 0));
}

#[test]
fn rooms_of_every_type_are_told() {
    let mut two = server("two");
    let slot = connect(&mut two, "s", Room::Number(42.0));
    join(&mut two, slot, Room::Text(b"42"));
    join(&mut two, slot, Room::Text(b"\xed\xa0\xbd\"\n"));
    join(&mut two, slot, Room::Null);
    let told = r#"{"requestId":"x","rooms":[42,"42","\ud83d\"\n",null]}"#;
    let request = r#"{"requestId":"x","type":1}"#;
    assert_eq!(ask(&mut two, request), [published(None, RESPONSES, told)]);
}

#[test]
fn what_is_sent_as_close_counts_as_in_javascript() {
    for (close, closes) in
        [("1", true), (r#""yes""#, true), ("{}", true), ("0", false), ("null", false)]
    {
        let mut two = server("two");
        let socket = connect(&mut two, "s", A);
        let asked = format!(r#"{{"uid":"other","type":4,"opts":{{}},"close":{close}}}"#);
        let disconnect = Output::Disconnect { sockets: vec![socket], close: closes };
        assert_eq!(hear(&mut two, REQUESTS, &asked), [disconnect], "{close}");
    }
}
