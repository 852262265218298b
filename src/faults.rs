//! What goes wrong at run time, and when somebody is to be told.

use crate::time::{Duration, Time};

/// How long nothing more is told of a kind that was told of.
const INTERVAL: Duration = Duration::from_millis(60_000);

/// Something that went wrong and was got over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Redis did not count the servers.
    Count,
    /// A subscription that Redis had confirmed brought nothing; it is asked for anew.
    Deaf,
    /// A room was named by what names none.
    InvalidRoom,
    /// A message was refused.
    Malformed,
    /// Redis or its client did not take a message.
    Publish,
    /// Redis or its client refused a subscription; it is asked for again.
    Subscribe,
    /// The host failed where it must not.
    Unexpected,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Count,
        Self::Deaf,
        Self::InvalidRoom,
        Self::Malformed,
        Self::Publish,
        Self::Subscribe,
        Self::Unexpected,
    ];

    /// The stable code of this kind.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Count => "ERR_COUNT_FAILED",
            Self::Deaf => "ERR_DEAF_SUBSCRIPTION",
            Self::InvalidRoom => "ERR_INVALID_ROOM",
            Self::Malformed => "ERR_MALFORMED_MESSAGE",
            Self::Publish => "ERR_PUBLISH_FAILED",
            Self::Subscribe => "ERR_SUBSCRIBE_FAILED",
            Self::Unexpected => "ERR_UNEXPECTED",
        }
    }

    /// The kind with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }
}

/// How often each kind has happened since it was told of, and when that was.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    kinds: [Kind; Fault::ALL.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    untold: u32,
    told: Option<Time>,
}

impl Faults {
    /// Counts a fault. Gives how often it has happened since it was told of last, this time included, if it is to be told
    /// now: at most once a minute, and only where somebody listens.
    pub(crate) fn note(&mut self, fault: Fault, listening: bool, now: Time) -> Option<u32> {
        let kind = self.kinds.get_mut(fault as usize)?;
        kind.untold = kind.untold.saturating_add(1);
        if !listening || kind.told.is_some_and(|told| now < told + INTERVAL) {
            return None;
        }
        kind.told = Some(now);
        Some(std::mem::take(&mut kind.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    #[test]
    fn each_kind_is_told_of_once_a_minute_with_how_often_it_was() {
        let mut faults = Faults::default();
        assert_eq!(faults.note(Fault::Publish, true, at(5)), Some(1));
        assert_eq!(faults.note(Fault::Publish, true, at(5)), None);
        assert_eq!(faults.note(Fault::Publish, true, at(64)), None);
        assert_eq!(faults.note(Fault::Malformed, true, at(64)), Some(1));
        assert_eq!(faults.note(Fault::Publish, true, at(65)), Some(3));
        assert_eq!(faults.note(Fault::Publish, true, at(66)), None);
    }

    #[test]
    fn what_nobody_listened_to_is_told_to_the_first_who_does() {
        let mut faults = Faults::default();
        assert_eq!(faults.note(Fault::Count, false, at(0)), None);
        assert_eq!(faults.note(Fault::Count, false, at(1)), None);
        assert_eq!(faults.note(Fault::Count, true, at(2)), Some(3));
    }

    #[test]
    fn every_kind_is_found_by_its_code() {
        for fault in Fault::ALL {
            assert_eq!(Fault::from_code(fault.code()), Some(fault));
        }
        assert_eq!(Fault::from_code("ERR_NONE"), None);
    }
}
