//! Events that clients of every server acknowledge: the asking server, and the others.

use socketio_redis_edge::Adapter;
use socketio_redis_edge::adapter::{Body, BroadcastCommand, Ending, Output, SendError, Value};
use socketio_redis_edge::dialect::classic::Flags;
use socketio_redis_edge::room::Room;
use socketio_redis_edge::time::Duration;
use socketio_redis_edge::transcode::Outside;

use super::{
    A, B, NOW, REQUESTS, RESPONSES, TO_ONE, answer, at, bring, complete, connect, count, ended,
    hear, join, only, outputs, outputs_at, published, request, server, timer, undefined, value,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn text<'a>(packet: &'a str, attachments: &'a [&'a [u8]]) -> Body<'a> {
    Body::Text(packet.as_bytes(), Outside { attachments, texts: &[] })
}

fn command<'a>(body: Body<'a>, rooms: &'a [Room<'a>]) -> BroadcastCommand<'a> {
    BroadcastCommand { body, rooms, except: &[], flags: br#"{"timeout":500}"#, local: false }
}

/// The server "one", which has sent an event to everybody; what it published.
fn asking(others: u32) -> (Adapter, Output) {
    let mut one = server("one");
    let command = command(text(r#"2["e",1]"#, &[]), &[]);
    assert_eq!(one.broadcast_with_ack(command, None, NOW), Ok(Some(1)));
    let [asked, counting] = <[Output; 2]>::try_from(outputs(&mut one)).expect("two outputs");
    assert_eq!(counting, count());
    one.handle_count(Some(1), &[others + 1], NOW);
    (one, asked)
}

/// The server "two" with so many sockets in the room "a"; what it is to call the event by.
fn asked(event: &Output, clients: usize) -> (Adapter, u32) {
    let mut two = server("two");
    let mut slots: Vec<u32> =
        (0..clients).map(|number| connect(&mut two, &format!("s{number}"), A)).collect();
    slots.sort_unstable();
    let Output::Acknowledge { token, mut sockets, flags, data } = only(bring(event, &mut two))
    else {
        panic!("no event");
    };
    sockets.sort_unstable();
    assert_eq!((sockets, flags, data), (slots, Flags::default(), value(r#"["e",1]"#)));
    (two, token)
}

fn told(count: u32) -> Output {
    Output::ClientCount { request: 1, count }
}

fn counted() -> Output {
    Output::Counted { request: 1 }
}

/// The message of a server that has sent the event to so many clients.
fn count_message(count: u32, uid: &str) -> String {
    format!(r#"{{"type":8,"requestId":"one1","clientCount":{count},"uid":"{uid}"}}"#)
}

#[test]
fn without_binary_data_it_is_text_that_no_older_server_ends_over() {
    let (mut one, asked) = asking(1);
    let message = r#"{"uid":"one","requestId":"one1","type":7,"packet":{"type":2,"data":["e",1],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{"timeout":500}},"named":true}"#;
    assert_eq!(asked, request(message));
    assert_eq!(outputs(&mut one), []);
    // An id under which the clients here acknowledge it stays here.
    let event = command(text(r#"212["e"]"#, &[]), &[A]);
    assert_eq!(one.broadcast_with_ack(event, None, NOW), Ok(Some(2)));
    let message = r#"{"uid":"one","requestId":"one2","type":7,"packet":{"type":2,"data":["e"],"nsp":"/"},"opts":{"rooms":["a"],"except":[],"flags":{"timeout":500}},"named":true}"#;
    assert_eq!(outputs(&mut one)[0], published(Some(2), REQUESTS, message));
    let bytes = b"\x93\xa1e\x81\xa1x\xcb\x3f\xf8\0\0\0\0\0\0\xc0";
    let event = BroadcastCommand { flags: b"", ..command(Body::MessagePack(bytes), &[]) };
    assert_eq!(one.broadcast_with_ack(event, None, NOW), Ok(Some(3)));
    let message = r#"{"uid":"one","requestId":"one3","type":7,"packet":{"type":2,"data":["e",{"x":1.5},null],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}},"named":true}"#;
    assert_eq!(outputs(&mut one)[0], published(Some(3), REQUESTS, message));
}

#[test]
fn binary_data_makes_it_messagepack() {
    let expected = |id: &[u8]| {
        [
            &b"\x86\xa3uid\xa3one\xa9requestId\xa4"[..],
            id,
            b"\xa4type\x07\xa6packet\x83\xa4type\x02\xa4data\x92\xa1e\xc4\x02\x01\x02\xa3nsp\xa1/",
            b"\xa4opts\x83\xa5rooms\x91\xa1a\xa6except\x90\xa5flags\x81\xa7timeout\xcd\x01\xf4",
            b"\xa5named\xc3",
        ]
        .concat()
    };
    let mut one = server("one");
    let packet = r#"51-["e",{"_placeholder":true,"num":0}]"#;
    let attachments: [&[u8]; 1] = [b"\x01\x02"];
    let event = command(text(packet, &attachments), &[A]);
    assert_eq!(one.broadcast_with_ack(event, None, NOW), Ok(Some(1)));
    let event = command(Body::MessagePack(b"\x92\xa1e\xc4\x02\x01\x02"), &[A]);
    assert_eq!(one.broadcast_with_ack(event, None, NOW), Ok(Some(2)));
    let sent: Vec<Output> = outputs(&mut one)
        .into_iter()
        .filter(|output| matches!(output, Output::Publish { .. }))
        .collect();
    for (number, output) in sent.iter().enumerate() {
        let Output::Publish { message, .. } = output else { panic!("{output:?}") };
        assert_eq!(*message, expected(format!("one{}", number + 1).as_bytes()));
        let mut two = server("two");
        let slot = connect(&mut two, "s", A);
        let Output::Acknowledge { sockets, data, .. } = only(bring(output, &mut two)) else {
            panic!("no event");
        };
        let bytes = b"\x92\xa1e\xc4\x02\x01\x02".to_vec();
        assert_eq!((sockets, data), (vec![slot], Value::MessagePack { bytes }));
    }
    assert_eq!(sent.len(), 2);
}

#[test]
fn the_sockets_here_are_found_and_are_asked_by_the_host() {
    let mut one = server("one");
    let (s, t) = (connect(&mut one, "s", A), connect(&mut one, "t", A));
    join(&mut one, t, B);
    let event = BroadcastCommand { except: &[B], ..command(text(r#"2["e"]"#, &[]), &[A]) };
    assert_eq!(one.broadcast_with_ack(event, None, NOW), Ok(Some(1)));
    assert_eq!(one.targets(), [s]);
    let asked = outputs(&mut one).swap_remove(0);
    // They would get it twice, if it were taken for another server's.
    assert_eq!(bring(&asked, &mut one), []);
    let local = BroadcastCommand { local: true, ..event };
    assert_eq!(one.broadcast_with_ack(local, None, NOW), Ok(None));
    assert_eq!(one.targets(), [s]);
    assert_eq!(outputs(&mut one), []);
}

#[test]
fn what_cannot_be_sent_reaches_the_sockets_here_alone() {
    let mut one = server("one");
    let slot = connect(&mut one, "s", A);
    for (body, code) in
        [(text("3[1]", &[]), "ERR_PACKET"), (Body::MessagePack(b"\x92\xa1e"), "MSGPACK_TRUNCATED")]
    {
        let event = command(body, &[A]);
        let sent = one.broadcast_with_ack(event, None, NOW);
        assert_eq!(sent.map_err(|error: SendError| error.code()), Err(code));
        assert_eq!(one.targets(), [slot]);
        assert_eq!(outputs(&mut one), []);
        assert_eq!(timer(&one), None);
    }
}

#[test]
fn servers_tell_how_many_clients_there_are_and_pass_on_what_they_say() {
    let (mut one, event) = asking(1);
    let (mut two, token) = asked(&event, 2);
    two.handle_sent(token, 2);
    let tells = only(outputs(&mut two));
    assert_eq!(tells, published(None, TO_ONE, &count_message(2, "two")));
    assert_eq!(bring(&tells, &mut one), [told(2), counted()]);

    two.handle_acknowledged(token, Some(b"\xc4\x01\x07"));
    let first = only(outputs(&mut two));
    let message = b"\x84\xa4type\x09\xa9requestId\xa4one1\xa6packet\xc4\x01\x07\xa3uid\xa3two";
    let message = message.to_vec();
    assert_eq!(first, Output::Publish { token: None, channel: TO_ONE.to_owned(), message });
    two.handle_acknowledged(token, None);
    let [second, forget] = <[Output; 2]>::try_from(outputs(&mut two)).expect("two outputs");
    assert_eq!(forget, Output::Forget { token });
    assert_eq!(timer(&two), None);

    let bytes = b"\xc4\x01\x07".to_vec();
    assert_eq!(bring(&first, &mut one), [answer(Value::MessagePack { bytes })]);
    assert!(timer(&one).is_some());
    assert_eq!(bring(&second, &mut one), [answer(undefined()), complete()]);
    assert_eq!(timer(&one), None, "nothing more is waited for");
    assert_eq!(bring(&second, &mut one), []);
    two.handle_acknowledged(token, None);
    assert_eq!(outputs(&mut two), []);
}

#[test]
fn a_server_without_clients_says_so() {
    let (mut one, event) = asking(2);
    let mut two = server("two");
    let tells = only(bring(&event, &mut two));
    assert_eq!(tells, published(None, TO_ONE, &count_message(0, "two")));
    assert_eq!(timer(&two), None);
    assert_eq!(bring(&tells, &mut one), [told(0)]);
    assert_eq!(hear(&mut one, TO_ONE, &count_message(0, "two")), [], "it has told so before");
    assert_eq!(
        hear(&mut one, TO_ONE, &count_message(0, "three")),
        [told(0), counted(), complete()]
    );
    assert_eq!(timer(&one), None);
}

#[test]
fn clients_that_have_gone_meanwhile_are_none() {
    let (_, event) = asking(1);
    let (mut two, token) = asked(&event, 1);
    two.handle_sent(token, 0);
    let tells = published(None, TO_ONE, &count_message(0, "two"));
    assert_eq!(outputs(&mut two), [tells, Output::Forget { token }]);
    assert_eq!(timer(&two), None);
}

#[test]
fn nobody_else_being_there_is_known_when_the_servers_are_counted() {
    let (mut one, _) = asking(0);
    assert_eq!(outputs(&mut one), [counted(), complete()]);
    assert_eq!(timer(&one), None);
}

#[test]
fn what_comes_before_the_count_counts() {
    let mut one = server("one");
    let event = command(text(r#"2["e",1]"#, &[]), &[]);
    one.broadcast_with_ack(event, None, NOW).expect("an event");
    outputs(&mut one);
    let ack = b"\x83\xa4type\x09\xa9requestId\xa4one1\xa6packet\x05";
    assert_eq!(hear(&mut one, TO_ONE, &count_message(1, "two")), [told(1)]);
    one.handle_control(TO_ONE.as_bytes(), ack, NOW).expect("well-formed");
    assert_eq!(outputs(&mut one), [answer(value("5"))]);
    one.handle_count(Some(1), &[2], NOW);
    assert_eq!(outputs(&mut one), [counted(), complete()]);
    assert_eq!(timer(&one), None);
}

#[test]
fn clients_that_stay_silent_are_forgotten_when_the_asking_server_gives_up() {
    let (mut one, event) = asking(1);
    let (mut two, token) = asked(&event, 2);
    two.handle_sent(token, 2);
    let tells = only(outputs(&mut two));
    two.handle_acknowledged(token, None);
    outputs(&mut two);
    // The flag "timeout" of the event.
    assert_eq!(timer(&two), Some(at(1_500)));
    two.handle_timeout(at(1_499));
    assert_eq!(outputs_at(&mut two, at(1_499)), []);
    two.handle_timeout(at(1_500));
    assert_eq!(outputs_at(&mut two, at(1_500)), [Output::Forget { token }]);
    two.handle_acknowledged(token, None);
    assert_eq!((outputs(&mut two), timer(&two)), (vec![], None));

    bring(&tells, &mut one);
    one.handle_timeout(at(6_000));
    let missing = Some(0);
    assert_eq!(outputs(&mut one), [ended(Ending::TimedOut { missing })]);
    assert_eq!(timer(&one), None);
}

#[test]
fn without_a_flag_the_option_says_how_long_clients_have() {
    for flags in ["{}", r#"{"timeout":null}"#, r#"{"timeout":-1}"#, r#"{"timeout":"1"}"#] {
        let mut two = server("two");
        connect(&mut two, "s", A);
        let asked = format!(
            r#"{{"uid":"other","requestId":"x","type":7,"packet":{{"type":2,"data":["e"]}},"opts":{{"flags":{flags}}}}}"#
        );
        assert_eq!(hear(&mut two, REQUESTS, &asked).len(), 1);
        assert_eq!(timer(&two), Some(at(6_000)), "{flags}");
    }
}

#[test]
fn the_asking_server_may_have_its_own_time() {
    let mut one = server("one");
    let event = command(text(r#"2["e"]"#, &[]), &[]);
    one.broadcast_with_ack(event, Some(Duration::from_millis(70)), NOW).expect("an event");
    outputs(&mut one);
    one.handle_count(Some(1), &[3], NOW);
    one.handle_timeout(at(1_070));
    assert_eq!(outputs(&mut one), [ended(Ending::TimedOut { missing: Some(2) })]);
}

#[test]
fn a_server_that_leaves_is_not_waited_for() {
    let (mut one, _) = asking(2);
    assert_eq!(hear(&mut one, TO_ONE, &count_message(1, "two")), [told(1)]);
    one.handle_timeout(at(1_300));
    let channels = vec![REQUESTS.to_owned(), "socket.io-response#/#two#".to_owned()];
    assert_eq!(outputs(&mut one), [Output::Count { request: None, channels }]);
    one.handle_count(None, &[2, 1], at(1_300));
    assert_eq!(outputs(&mut one), [counted()]);
    let ack = b"\x83\xa4type\x09\xa9requestId\xa4one1\xa6packet\x05";
    one.handle_control(TO_ONE.as_bytes(), ack, NOW).expect("well-formed");
    assert_eq!(outputs(&mut one), [answer(value("5")), complete()]);
    one.handle_timeout(at(1_600));
    assert_eq!((outputs(&mut one), timer(&one)), (vec![], None));
}

#[test]
fn all_servers_are_counted_once_whoever_answers_later() {
    let (mut one, _) = asking(1);
    let unnamed = r#"{"type":8,"requestId":"one1","clientCount":1}"#;
    assert_eq!(hear(&mut one, RESPONSES, unnamed), [told(1), counted()]);
    // A server that came after the count, or the same once more.
    let taken = hear(&mut one, RESPONSES, unnamed);
    assert!(!taken.contains(&counted()), "{taken:?}");
}

#[test]
fn published_servers_hear_the_answers_on_a_channel_of_their_own() {
    // On the shared one, an acknowledgement in MessagePack would end servers of version 5 and 6.
    const TO_OLD: &str = "socket.io-response#/#KgkYV5#";
    let mut two = server("two");
    let slot = connect(&mut two, "s", A);
    let asked = b"\x85\xa3uid\xa6KgkYV5\xa9requestId\xa1x\xa4type\x07\xa6packet\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa1/\xa4opts\x83\xa5rooms\x90\xa6except\x90\xa5flags\x82\xa8volatile\xc3\xa8compress\xc2";
    two.handle_control(REQUESTS.as_bytes(), asked, NOW).expect("well-formed");
    let flags = Flags { volatile: true, compress: Some(false) };
    let (sockets, data) = (vec![slot], value(r#"["e"]"#));
    let Output::Acknowledge { token, .. } = only(outputs(&mut two)) else { panic!("no event") };
    assert_eq!(token, 1);
    let mut again = server("two");
    connect(&mut again, "s", A);
    again.handle_control(REQUESTS.as_bytes(), asked, NOW).expect("well-formed");
    let event = Output::Acknowledge { token, sockets, flags, data };
    assert_eq!(outputs(&mut again), [event]);
    two.handle_sent(token, 1);
    let tells = r#"{"type":8,"requestId":"x","clientCount":1}"#;
    assert_eq!(outputs(&mut two), [published(None, TO_OLD, tells)]);
    two.handle_acknowledged(token, Some(b"\x05"));
    let message = b"\x83\xa4type\x09\xa9requestId\xa1x\xa6packet\x05".to_vec();
    let ack = Output::Publish { token: None, channel: TO_OLD.to_owned(), message };
    assert_eq!(outputs(&mut two), [ack, Output::Forget { token }]);
}

#[test]
fn what_json_cannot_carry_goes_out_as_messagepack() {
    // A time, a float that is no number, bytes; then undefined, for which JSON has null as notepack.io 3 has nil.
    for (data, is_json) in [
        (&b"\x92\xa1e\xd6\xff\0\0\0\0"[..], false),
        (b"\x92\xa1e\xcb\x7f\xf8\0\0\0\0\0\0", false),
        (b"\x92\xa1e\xc4\x01\x07", false),
        (b"\x92\xa1e\xd4\0\0", true),
        (b"\x92\xa1e\x07", true),
    ] {
        let mut one = server("one");
        let event = command(Body::MessagePack(data), &[]);
        one.broadcast_with_ack(event, None, NOW).expect("an event");
        let [Output::Publish { message, .. }, _] = &outputs(&mut one)[..] else {
            panic!("it is not published");
        };
        assert_eq!(message.starts_with(b"{"), is_json, "{data:02x?}");
    }
}
