//! Everything beside the packets: options, rooms, the subscription, counters.

use js_sys::{Function, JSON, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::boundary::{Boundary, Broadcast, number, text};
use super::code;

/// What `receive` answers for a probe.
const PROBE: i32 = -5;

/// The value of a JavaScript expression.
fn value(expression: &str) -> JsValue {
    let function = Function::new_no_args(&format!("return {expression}"));
    function.call0(&JsValue::UNDEFINED).expect(expression)
}

fn member(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).expect("an object")
}

#[test]
fn options_are_read_and_have_their_defaults() {
    let mut boundary = Boundary::new();
    for (options, key, timeout) in [
        ("undefined", "socket.io", 5000.0),
        ("null", "socket.io", 5000.0),
        ("({})", "socket.io", 5000.0),
        ("({ key: 'app', requestsTimeout: 100 })", "app", 100.0),
        ("({ key: '', requestsTimeout: 0, parser: undefined })", "socket.io", 5000.0),
        ("({ unknown: () => 1 })", "socket.io", 5000.0),
    ] {
        let adapter = boundary.core.open("/", false, &value(options), true).expect(options);
        assert_eq!(boundary.core.key(adapter).as_deref(), Some(key), "{options}");
        assert_eq!(boundary.core.requests_timeout(adapter), Some(timeout), "{options}");
    }
}

#[test]
fn bad_options_are_refused_with_a_code() {
    let mut boundary = Boundary::new();
    for (nsp, options, expected) in [
        ("/", "({ key: 5 })", "ERR_INVALID_OPTION"),
        ("/", "({ key: {} })", "ERR_INVALID_OPTION"),
        ("/", "({ requestsTimeout: -1 })", "ERR_INVALID_OPTION"),
        ("/", "({ requestsTimeout: '5' })", "ERR_INVALID_OPTION"),
        ("/", "({ requestsTimeout: Infinity })", "ERR_INVALID_OPTION"),
        ("/", "({ subscriptionMode: 'static' })", "ERR_INVALID_OPTION"),
        ("admin", "({})", "ERR_INVALID_NAMESPACE"),
    ] {
        let error = boundary.core.open(nsp, false, &value(options), true).expect_err(options);
        assert_eq!(code(&error), expected, "{options}");
    }
}

#[test]
fn every_adapter_has_another_uid() {
    let mut boundary = Boundary::new();
    let mut uids: Vec<String> = (0..50)
        .map(|_| {
            let adapter = boundary.open("/", true);
            boundary.core.uid(adapter).expect("a uid")
        })
        .collect();
    assert!(uids.iter().all(|uid| uid.len() == 6), "{uids:?}");
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 50);
}

#[test]
fn rooms_report_what_changed_and_list_who_is_in_them() {
    let mut boundary = Boundary::new();
    let adapter = boundary.open("/", true);
    let (a, b) = (boundary.connect(adapter, "a"), boundary.intern(adapter, &text("b")));
    assert_eq!(boundary.connect(adapter, "a"), a);
    let [room, numbered] = [text("42"), number(42.0)].map(|name| boundary.intern(adapter, &name));
    assert_ne!(room, numbered);

    let core = &mut boundary.core;
    assert_eq!((core.socket_count(adapter), core.room_count(adapter)), (1, 0));
    assert_eq!(core.join(adapter, a, room), 0b11);
    assert_eq!(core.join(adapter, b, room), 0b01);
    assert_eq!(core.join(adapter, b, room), 0);
    assert_eq!(core.join(adapter, a, numbered), 0b11);
    assert_eq!((core.socket_count(adapter), core.room_count(adapter)), (2, 2));
    assert!(core.is_socket(adapter, a) && !core.is_socket(adapter, room));
    assert!(core.contains(adapter, room, b) && !core.contains(adapter, numbered, b));
    assert_eq!(core.member_count(adapter, room), 2);
    assert_eq!(core.members(adapter, room), 2);
    let mut members = boundary.list(2);
    members.sort_unstable();
    assert_eq!(members, [a, b]);
    assert_eq!(boundary.core.rooms_of(adapter, a), 2);
    assert_eq!(boundary.list(2), [room, numbered]);

    assert_eq!(boundary.find(adapter, &[], &[]), [a, b]);
    assert_eq!(boundary.find(adapter, &[text("42")], &[number(42.0)]), [b]);
    assert_eq!(boundary.find(adapter, &[number(42.0), text("nobody")], &[]), [a]);

    assert_eq!(boundary.core.leave(adapter, b, room), 0b001);
    assert_eq!(boundary.core.leave(adapter, b, room), 0);
    assert_eq!(boundary.core.disconnect(adapter, a), 2);
    assert_eq!(boundary.list(5), [room, 0b111, numbered, 0b111, 1]);
    assert_eq!(boundary.core.room_count(adapter), 0);
    assert_eq!(boundary.core.member_count(adapter, room), 0);
    assert_eq!(boundary.core.disconnect(adapter, a), -1);
}

/// All that there is to do, as JSON.
fn outputs(boundary: &mut Boundary, adapter: usize, now: f64) -> Vec<String> {
    let poll = || {
        let output = boundary.core.poll_output(adapter, now).expect("no error");
        (!output.is_undefined()).then(|| JSON::stringify(&output).expect("an object").into())
    };
    std::iter::from_fn(poll).collect()
}

#[test]
fn subscriptions_are_asked_for_and_tried_out() {
    let mut boundary = Boundary::new();
    let adapter = boundary.open("/", true);
    assert!(outputs(&mut boundary, adapter, 0.0).is_empty());
    assert_eq!(boundary.core.poll_timeout(adapter), None);
    let uid = boundary.core.uid(adapter).expect("a uid");

    boundary.core.handle_ready(adapter);
    let control = |id: u32, name: &str| {
        format!(
            r#"{{"type":"subscribe","id":{id},"anew":false,"kind":"channel","name":"{name}","carries":"control"}}"#
        )
    };
    let pattern = r#"{"type":"subscribe","id":0,"anew":false,"kind":"pattern","name":"socket.io#/#*","carries":"broadcasts"}"#;
    let asked = [
        pattern.to_owned(),
        control(1, "socket.io-request#/#"),
        control(2, "socket.io-response#/#"),
        control(3, &format!("socket.io-response#/#{uid}#")),
    ];
    assert_eq!(outputs(&mut boundary, adapter, 10.5), asked);
    assert_eq!(boundary.core.poll_timeout(adapter), Some(5010.0));

    (0..4).for_each(|id| boundary.core.handle_confirmed(adapter, id));
    assert!(!boundary.core.is_subscribed(adapter));
    let output = boundary.core.poll_output(adapter, 11.0).expect("no error");
    assert_eq!((member(&output, "type"), member(&output, "token")), ("publish".into(), 0.into()));
    assert_eq!(member(&output, "channel"), format!("socket.io#/#{uid}#").as_str());
    let message = Uint8Array::from(member(&output, "message")).to_vec();
    assert!(boundary.wants(adapter, &format!("socket.io#/#{uid}#")));
    assert_eq!(boundary.core.poll_timeout(adapter), Some(5011.0));
    boundary.core.handle_publish_failed(adapter, 0, 12.0);
    assert_eq!(boundary.core.poll_timeout(adapter), Some(112.0));
    boundary.core.handle_timeout(adapter, 112.0, 0.0);
    let output = boundary.core.poll_output(adapter, 112.0).expect("no error");
    assert_eq!(member(&output, "type"), "publish");
    boundary.core.handle_published(adapter, 0, 113.0);
    assert_eq!(boundary.core.poll_timeout(adapter), Some(2113.0));
    assert_eq!(boundary.receive(adapter, &message), PROBE);
    assert!(boundary.core.is_subscribed(adapter));
    assert_eq!(boundary.core.poll_timeout(adapter), None);

    boundary.core.handle_lost(adapter);
    assert!(!boundary.core.is_subscribed(adapter));
    boundary.core.handle_ready(adapter);
    // Under another id each time: an answer to an earlier request does not count.
    let mut again = outputs(&mut boundary, adapter, 20.0);
    assert_eq!(again.len(), asked.len());
    assert_eq!(again.remove(0), pattern.replace("\"id\":0", "\"id\":4"));
    boundary.core.handle_refused(adapter, 0, 20.0);
    assert_ne!(boundary.core.poll_timeout(adapter), Some(120.0));
    boundary.core.handle_refused(adapter, 4, 20.0);
    assert_eq!(boundary.core.poll_timeout(adapter), Some(120.0));
    boundary.core.handle_timeout(adapter, 120.0, 0.0);
    let once_more = pattern.replace("\"id\":0", "\"id\":8");
    assert_eq!(outputs(&mut boundary, adapter, 120.0), [once_more]);

    boundary.core.close(adapter);
    let given_up = outputs(&mut boundary, adapter, 121.0);
    let unsubscribes = |output: &String| output.starts_with(r#"{"type":"unsubscribe","id":"#);
    assert!(given_up.len() == 4 && given_up.iter().all(unsubscribes), "{given_up:?}");
    assert_eq!(boundary.core.poll_timeout(adapter), None);
}

#[test]
fn a_question_crosses_the_boundary_and_so_does_its_answer() {
    let mut boundary = Boundary::new();
    let (one, two) = (boundary.open("/", true), boundary.open("/", true));
    boundary.join(two, "s", &text("a"));
    let request = boundary.core.all_rooms(one, 10.0);
    assert_eq!(request, 1);
    let counting =
        format!(r#"{{"type":"count","request":{request},"channels":["socket.io-request#/#"]}}"#);
    assert_eq!(outputs(&mut boundary, one, 10.0), [counting]);
    boundary.core.handle_count(one, Some(request), &[1], 10.0);
    let mut bring = |from: usize, to: usize| {
        let output = boundary.core.poll_output(from, 10.0).expect("no error");
        let channel = member(&output, "channel").as_string().expect("a name");
        // What is text is handed over as text.
        let message = member(&output, "message").as_string().expect("JSON");
        boundary.write((channel.clone() + &message).as_bytes());
        assert!(boundary.core.control(to, channel.len(), message.len(), 10.0));
    };
    bring(one, two);
    bring(two, one);
    let answer = boundary.core.poll_output(one, 10.0).expect("no error");
    assert_eq!((member(&answer, "type"), member(&answer, "request")), ("answer".into(), 1.into()));
    assert_eq!(member(&member(&answer, "value"), "form"), "messagePack");
    let ended = r#"{"type":"ended","request":1,"ending":"complete"}"#;
    assert_eq!(outputs(&mut boundary, one, 10.0), [ended]);

    boundary.write(b"socket.io-request#/#{}");
    assert!(!boundary.core.control(one, "socket.io-request#/#".len(), 2, 10.0));
    assert!(boundary.core.reason().ends_with("(ERR_REQUEST_MEMBER)"), "{}", boundary.core.reason());
    assert!(!boundary.core.control(one, usize::MAX, usize::MAX, 10.0));
}

#[test]
fn counters_are_an_object_of_numbers() {
    let mut boundary = Boundary::new();
    let adapter = boundary.open("/", true);
    let broadcast = Broadcast { packet: b"2[\"e\"]", ..Broadcast::default() };
    boundary.broadcast(adapter, &broadcast);
    let message = boundary.message().expect("a message");
    boundary.receive(adapter, &message);
    boundary.receive(adapter, b"\xc1");
    let stats = boundary.core.stats(adapter).expect("an object");
    for (name, expected) in [
        ("published", 1.0),
        ("unpublished", 0.0),
        ("delivered", 0.0),
        ("requests", 0.0),
        ("answers", 0.0),
        ("echo", 1.0),
        ("foreign", 0.0),
        ("malformed", 1.0),
        ("unwanted", 0.0),
        ("refused", 0.0),
        ("messagesIn", 2.0),
        ("messagesOut", 1.0),
        ("degraded", 1.0),
    ] {
        assert_eq!(member(&stats, name).as_f64(), Some(expected), "{name}");
    }
    let values = Object::values(&stats.into());
    assert!(values.length() == 23 && values.iter().all(|value| value.as_f64().is_some()));
}

#[test]
fn the_handle_of_an_adapter_that_is_gone_does_no_harm() {
    let mut boundary = Boundary::new();
    let adapter = boundary.open("/", true);
    let socket = boundary.join(adapter, "a", &text("room"));
    boundary.core.dispose(adapter);
    for gone in [adapter, usize::MAX] {
        boundary.core.dispose(gone);
        let broadcast = Broadcast { packet: b"2[\"e\"]", ..Broadcast::default() };
        assert_eq!(boundary.broadcast(gone, &broadcast), 0);
        assert_eq!(boundary.message(), None);
        assert!(boundary.receive(gone, b"\xc0") < 0);
        assert!(!boundary.wants(gone, "socket.io#/#"));
        assert!(boundary.find(gone, &[], &[]).is_empty());
        assert_eq!(boundary.intern(gone, &text("a")), u32::MAX);
        assert_eq!(boundary.connect(gone, "a"), u32::MAX);
        let core = &mut boundary.core;
        assert_eq!(core.join(gone, socket, socket), 0);
        assert_eq!(core.leave(gone, socket, socket), 0);
        assert_eq!(core.disconnect(gone, socket), -1);
        assert_eq!((core.members(gone, socket), core.rooms_of(gone, socket)), (0, 0));
        assert_eq!((core.uid(gone), core.key(gone), core.poll_timeout(gone)), (None, None, None));
        core.handle_ready(gone);
        core.handle_confirmed(gone, 0);
        core.handle_ended(gone, 0);
        core.handle_refused(gone, 0, 1.0);
        core.handle_timeout(gone, 2.0, 0.0);
        core.handle_published(gone, 0, 2.0);
        core.handle_publish_failed(gone, 0, 2.0);
        core.handle_count(gone, None, &[1], 2.0);
        core.handle_count_failed(gone, Some(1), 2.0);
        core.handle_sent(gone, 1, 1);
        core.handle_acknowledged(gone, 1, None);
        assert_eq!((core.all_rooms(gone, 2.0), core.sockets(gone, 0, 0, 2.0)), (0, 0));
        assert!(!core.control(gone, 0, 0, 2.0));
        core.handle_lost(gone);
        core.close(gone);
        assert!(core.poll_output(gone, 3.0).expect("no error").is_undefined());
        assert!(!core.is_subscribed(gone));
    }
}
