//! The recorded traffic of the packages that speak the classic dialect.

pub(crate) use super::recorded::{Message, Recording};

macro_rules! recordings {
    ($($package:literal),* $(,)?) => {
        /// The packages that speak the classic dialect.
        pub(crate) const CLASSIC: &[Recording] = &[$(Recording {
            package: $package,
            text: include_str!(concat!("../wire/", $package, ".jsonl")),
        }),*];
    };
}

recordings![
    "redis-adapter-8.3.0",
    "redis-emitter-5.1.0",
    "redis-adapter-7.2.0",
    "redis-emitter-4.1.1",
    "socket.io-redis-6.1.1",
    "socket.io-redis-5.4.0",
    "socket.io-emitter-3.2.0",
];

impl Recording {
    /// The messages on the channels that broadcasts go to.
    pub(crate) fn broadcasts(&self) -> impl Iterator<Item = Message> {
        self.messages(r#""channel":"socket.io#"#)
    }

    /// The messages on the channels of requests and responses.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Message> {
        self.messages(r#""channel":"socket.io-re"#)
    }
}
