//! The recorded traffic as values; tests/wire/README.md tells the format.

pub(crate) mod values;

use serde_json::Value;

/// One file: the traffic of one package.
pub(crate) struct Recording {
    pub(crate) package: &'static str,
    pub(crate) text: &'static str,
}

/// A message that was published.
pub(crate) struct Message {
    /// What was done, "group: label".
    pub(crate) op: String,
    pub(crate) channel: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    /// The uid of the sender in its namespace.
    pub(crate) sender: String,
}

impl Recording {
    /// The messages on the lines with `mark`; the other lines are not even parsed.
    pub(crate) fn messages(&self, mark: &str) -> impl Iterator<Item = Message> {
        self.text.lines().filter(move |line| line.contains(mark)).filter_map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            let text = |member: &str| line[member].as_str().map(str::to_owned);
            // A payload that is too large was left out of the recording.
            let payload = base64(&text("payload_b64")?);
            let channel = text("channel").expect("a channel");
            Some(Message {
                op: text("op").expect("an operation"),
                channel: text("channel_b64")
                    .map_or_else(|| channel.into_bytes(), |text| base64(&text)),
                payload,
                sender: text("sender_uid").unwrap_or_default(),
            })
        })
    }
}

fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text.bytes().filter(|&byte| byte != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => panic!("{digit:?} is no digit of Base64"),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
