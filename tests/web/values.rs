//! JavaScript values and MessagePack.

use js_sys::{Function, JSON, Object, Reflect, Uint8Array};
use socketio_redis_edge::msgpack::MAX_DEPTH;
use socketio_redis_edge::wasm::{Core, encode};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::code;

/// The value of a JavaScript expression.
fn value(expression: &str) -> JsValue {
    let body = format!("return {expression}");
    let function = Function::new_no_args(&body);
    function.call0(&JsValue::UNDEFINED).expect(expression)
}

/// Decodes; binary data becomes what this function body makes of `bytes`.
fn decode(bytes: &[u8], body: &str) -> Result<JsValue, JsValue> {
    Core::new(Function::new_with_args("bytes", body)).decode(bytes)
}

const ITSELF: &str = "return bytes";

fn decoded(bytes: &[u8]) -> JsValue {
    decode(bytes, ITSELF).expect("MessagePack")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of a value with its types: what `JSON.stringify` would lose is spelt out.
fn described(value: &JsValue) -> String {
    let describe = Function::new_with_args(
        "value",
        "const describe = value => value === undefined ? 'undefined'
           : Object.is(value, -0) ? '-0'
           : typeof value === 'number' ? String(value)
           : value instanceof Date ? `Date(${value.getTime()})`
           : value instanceof ArrayBuffer ? `ArrayBuffer(${new Uint8Array(value)})`
           : ArrayBuffer.isView(value) ? `${value.constructor.name}(${value})`
           : Array.isArray(value) ? `[${value.map(describe)}]`
           : value !== null && typeof value === 'object'
             ? `{${Object.keys(value).map(key => `${key}:${describe(value[key])}`)}}`
           : JSON.stringify(value);
         return describe(value)",
    );
    let text = describe.call1(&JsValue::UNDEFINED, value);
    text.expect("a description").as_string().expect("a text")
}

#[test]
fn values_come_back_as_they_went() {
    for expression in [
        "[]",
        "({})",
        "[null, true, false]",
        "[0, 1, -1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, -33, -129]",
        "[1.5, NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308]",
        "[9007199254740991, -9007199254740991, 1e20, -1e20, 3e300]",
        "['', 'text', 'caf\\u00e9 \\u{1f600} \\0', 'x'.repeat(70000)]",
        "({ a: [{ b: { c: [1, 'two', { three: 3 }] } }], '': 0 })",
        "[new Date(0), new Date(1), new Date(-1), new Date(1700000000123), new Date(17179869184000)]",
        "({ at: new Date(1700000000000), in: [new Date(-2208988800000)] })",
        "[new Uint8Array([1, 2, 3]), { deep: [new Uint8Array(0)] }]",
        "Array.from({ length: 70000 }, (_, index) => index)",
        "Object.fromEntries(Array.from({ length: 70000 }, (_, index) => ['k' + index, index]))",
        "JSON.parse('['.repeat(100) + ']'.repeat(100))",
        "[undefined, { a: undefined, b: [undefined] }]",
    ] {
        let value = value(expression);
        let bytes = encode(&value).expect(expression);
        let back = decoded(&bytes);
        assert!(described(&back) == described(&value), "{expression}");
    }
}

#[test]
fn values_are_written_as_notepack_writes_them() {
    for (expression, bytes) in [
        ("undefined", "d40000"),
        ("[undefined, 1, , null]", "94d4000001d40000c0"),
        ("({ a: undefined, b: () => 1, c: 1 })", "82a161d40000a16301"),
        ("({ toJSON() {} })", "d40000"),
        ("({ a: { toJSON() { return { toJSON() { return 'text' } } } } })", "81a161a474657874"),
        ("-0", "00"),
        ("1.5", "cb3ff8000000000000"),
        ("9007199254740992", "cf0020000000000000"),
        ("new Date(1700000000000)", "d6ff6553f100"),
        ("new Date(-1)", "c70cff3b8b87c0ffffffffffffffff"),
        ("new ArrayBuffer(2)", "c4020000"),
        ("new Uint16Array([1, 2])", "c40401000200"),
        ("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", "c4020203"),
        ("new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)", "c4020203"),
        ("new Map([[1, 2]])", "80"),
        ("new Error('text')", "80"),
        ("({ toJSON() { return [1] } })", "9101"),
        ("Object.assign(Object.create(null), { a: 1 })", "81a16101"),
        ("Object.create({ inherited: 1 })", "80"),
    ] {
        let written = encode(&value(expression)).expect(expression);
        assert_eq!(hex(&written), bytes, "{expression}");
    }
}

#[test]
fn old_forms_are_read() {
    for (bytes, expected) in [
        (&b"\x92\xd4\x00\x00\x01"[..], "[undefined,1]"),
        (b"\x81\xa1a\xd4\x00\x00", "{a:undefined}"),
        (b"\xd7\x00\x00\x00\x01\x8b\xcf\xe5\x68\x00", "Date(1700000000000)"),
        (b"\xc7\x02\x00\x01\x02", "ArrayBuffer(1,2)"),
        (b"\xc4\x02\x01\x02", "Uint8Array(1,2)"),
        (b"\xca\x3f\xc0\x00\x00", "1.5"),
        (b"\xcf\x00\x00\x00\x00\x00\x00\x00\x07", "7"),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", "-1"),
        (b"\x82\x01\xa1a\xc0\xa1b", "{1:\"a\",null:\"b\"}"),
        (b"\xd5\x05\x01\x02", "[5,Uint8Array(1,2)]"),
    ] {
        assert_eq!(described(&decoded(bytes)), expected, "{bytes:02x?}");
    }
}

#[test]
fn binary_data_is_what_the_host_makes_of_it() {
    let wrap = "return { wrapped: bytes.length }";
    let value = decode(b"\x92\xc4\x03\x01\x02\x03\xc4\x00", wrap).expect("MessagePack");
    assert_eq!(described(&value), "[{wrapped:3},{wrapped:0}]");
}

#[test]
fn a_member_named_proto_is_a_member() {
    let object = decoded(b"\x82\xa9__proto__\x81\xa8polluted\xc3\xa1a\x01");
    assert_eq!(described(&object), "{__proto__:{polluted:true},a:1}");
    assert!(Object::is(
        &Object::get_prototype_of(&object).into(),
        &Object::get_prototype_of(&Object::new()).into(),
    ));
    let plain = Reflect::get(&Object::new(), &"polluted".into()).expect("an object");
    assert!(plain.is_undefined());
    let bytes = encode(&JSON::parse(r#"{"__proto__":{"a":1}}"#).expect("JSON")).expect("a value");
    assert_eq!(bytes, b"\x81\xa9__proto__\x81\xa1a\x01");
}

#[test]
fn values_without_a_form_are_refused() {
    for expression in ["10n", "[{ deep: 10n }]", "Symbol('s')", "() => 1", "[() => 1]"] {
        let error = encode(&value(expression)).expect_err(expression);
        assert_eq!(code(&error), "ERR_ENCODE", "{expression}");
    }
}

#[test]
fn values_without_an_end_are_refused() {
    for expression in [
        "(() => { const cycle = []; cycle.push(cycle); return cycle })()",
        "(() => { const cycle = {}; cycle.in = { cycle }; return cycle })()",
        "({ toJSON() { return this } })",
        "({ toJSON() { return [this] } })",
        "JSON.parse('['.repeat(2000) + ']'.repeat(2000))",
    ] {
        let error = encode(&value(expression)).expect_err(expression);
        assert_eq!(code(&error), "ERR_ENCODE", "{expression}");
    }
    let error = decode(&[0x91; 5000], ITSELF).expect_err("too deep");
    assert_eq!(code(&error), "MSGPACK_TOO_DEEP");
}

#[test]
fn what_an_accessor_throws_is_thrown() {
    for expression in [
        "({ get a() { throw new RangeError('mine') } })",
        "({ toJSON() { throw new RangeError('mine') } })",
    ] {
        let error = encode(&value(expression)).expect_err(expression);
        let message = Reflect::get(&error, &"message".into()).expect("an error");
        assert_eq!(message, JsValue::from("mine"), "{expression}");
    }
}

#[test]
fn bytes_that_are_no_messagepack_are_refused_with_a_code() {
    for (bytes, expected) in [
        (&b""[..], "MSGPACK_TRUNCATED"),
        (b"\xc1", "MSGPACK_RESERVED"),
        (b"\x92\x01", "MSGPACK_TRUNCATED"),
        (b"\xdd\xff\xff\xff\xff", "MSGPACK_TRUNCATED"),
        (b"\x81\x91\x01\x01", "MSGPACK_KEY"),
    ] {
        let error = decode(bytes, ITSELF).expect_err("malformed");
        assert_eq!(code(&error), expected, "{bytes:02x?}");
    }
}

#[test]
fn the_deepest_value_passes_both_ways() {
    for (open, head, close) in [("[", &b"\x91"[..], "]"), ("{\"a\":", b"\x81\xa1a", "}")] {
        let text = |depth| format!("{}0{}", open.repeat(depth), close.repeat(depth));
        let bytes = |depth| [&head.repeat(depth), &b"\x00"[..]].concat();

        let deepest = JSON::parse(&text(MAX_DEPTH)).expect("JSON");
        assert!(encode(&deepest).expect("a value") == bytes(MAX_DEPTH));
        let back = JSON::stringify(&decoded(&bytes(MAX_DEPTH))).expect("a value");
        assert!(back == text(MAX_DEPTH).as_str());

        let deeper = JSON::parse(&text(MAX_DEPTH + 1)).expect("JSON");
        assert_eq!(code(&encode(&deeper).expect_err("too deep")), "ERR_ENCODE");
        let error = decode(&bytes(MAX_DEPTH + 1), ITSELF).expect_err("too deep");
        assert_eq!(code(&error), "MSGPACK_TOO_DEEP");
    }
}

#[test]
fn containers_are_closed_in_their_turn() {
    let expected = "[[],[[]],{},{a:[],b:{c:[1,{}]},d:2},3]";
    let value = value("[[], [[]], {}, { a: [], b: { c: [1, {}] }, d: 2 }, 3]");
    assert_eq!(described(&value), expected);
    assert_eq!(described(&decoded(&encode(&value).expect("a value"))), expected);
}

#[test]
fn lone_surrogates_come_back() {
    let bytes = encode(&value("['\\ud83d', 'a\\udc00b', { '\\ud800': 1 }]")).expect("a value");
    let wire = b"\x93\xa3\xed\xa0\xbd\xa5a\xed\xb0\x80b\x81\xa3\xed\xa0\x80\x01";
    assert_eq!(bytes, wire);
    let spelt = JSON::stringify(&decoded(&bytes)).expect("JSON");
    assert_eq!(String::from(spelt), r#"["\ud83d","a\udc00b",{"\ud800":1}]"#);

    let long = value("['\\u{1f600}caf\\u00e9 \\ufffd\\udfff'.repeat(20000)]");
    let back = decoded(&encode(&long).expect("a value"));
    assert!(described(&back) == described(&long));
}

#[test]
fn text_that_is_ill_formed_is_mended() {
    for (wire, expected) in [
        (&b"\xa3a\xffb"[..], r#""a\ufffdb""#),
        (b"\xa2\xc3\xa9", r#""\u00e9""#),
        (b"\xa4\xed\xa0\xbd\xc3", r#""\ud83d\ufffd""#),
        (b"\xa5\xed\xa0\xbd\xed\xb8", r#""\ud83d\ufffd\ufffd""#),
        (b"\xa6\xed\xa0\xbd\xed\xb8\x80", r#""\u{1f600}""#),
        (b"\xa4\xf0\x9f\x98a", r#""\ufffda""#),
        (b"\xc4\x01\xff", "new Uint8Array([255])"),
        (b"\x81\xc4\x01\xff\x01", r#"({ "\ufffd": 1 })"#),
    ] {
        let expected = described(&value(expected));
        assert_eq!(described(&decoded(wire)), expected, "{wire:02x?}");
    }
}

#[test]
fn data_is_copied_out_of_the_memory_of_the_core() {
    let bytes = b"\x91\xc4\x02\x01\x02".to_vec();
    let array = decoded(&bytes);
    let data: Uint8Array = Reflect::get_u32(array.as_ref(), 0).expect("an item").into();
    assert_eq!(data.buffer().byte_length(), 2);
}
