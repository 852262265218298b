//! One subscription that must hold: asked for when the connection is ready, tried out, asked for again;
//! tried out once more whenever it has been silent for long.

use crate::time::{Duration, Time};

/// How long Redis may take to confirm a subscription, or to take a probe, before it is asked again.
const CONFIRMATION: Duration = Duration::from_millis(5_000);
/// How long a probe that Redis has taken may need to come back: as long as what is in front of it, and a verdict costs
/// what is under way.
const PROBE: Duration = Duration::from_millis(2_000);
/// Lost probes in a row that prove the subscription dead.
const PROBES: u32 = 3;
/// Requests in a row that Redis did not answer, which prove the connection dead.
const REQUESTS: u32 = 3;
/// The first pause after a refusal; it doubles with each further one.
const FIRST_PAUSE: u64 = 100;
/// The longest pause between two attempts, in milliseconds,
const LONGEST_PAUSE: u64 = 5_000;
/// and where Redis has ended what stood: it refuses while a slot or a master changes, which soon is over.
const LONGEST_WHILE_DROPPED: u64 = 800;
/// How often in a row a silent subscription is taken to be alive because its connection is.
const TRUSTED: u32 = 5;

/// What the host has to do for the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Know that it was confirmed and brings nothing.
    Deaf,
    /// Publish a probe, which comes back if the subscription is alive.
    Probe,
    /// Give the connection up: it takes what it is asked, and nothing comes back.
    Reconnect,
    /// Ask Redis for the subscription; anew, if the client has it for all that it knows.
    Subscribe { anew: bool },
    /// Give the subscription up.
    Unsubscribe,
}

/// What has come in so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Messages of the subscription.
    pub(crate) here: u64,
    /// Messages of its connection, whomever they were for.
    pub(crate) connection: u64,
}

/// The life of one subscription.
///
/// Confirmed is not held: a client may confirm a subscription that it then drops (ioredis 5 does,
/// when it is asked before the connection is ready), or stay deaf after a reconnection. So where one
/// stands for all of its connection, its confirmation is followed by a probe through Redis to this
/// very server, and so is each long silence: a connection may die without being closed.
#[derive(Debug)]
pub(crate) struct Subscription {
    state: State,
    /// Attempts since it last held.
    attempts: u32,
    /// How long it may be silent before a probe has to come back; `None` for one that is not probed.
    silence: Option<Duration>,
    /// What had come in when it was looked at last.
    seen: Traffic,
    /// How often in a row it was silent since, while its connection was not.
    trusted: u32,
    /// Whether Redis has ended it since it last held.
    dropped: bool,
    /// Whether it held when it was last begun to be tried out.
    proven: bool,
    /// Whether it has just turned out to be dead though it was confirmed.
    deaf: bool,
    /// Whether the client, for all that it knows, has it already.
    anew: bool,
    /// How often in a row it was asked for without an answer.
    unanswered: u32,
    /// Whether it is to be given up, and when; it may be wanted again before.
    release: Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    At(Time),
    /// Never to be wanted again.
    Final,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Asked {
        until: Time,
    },
    Closed,
    Closing,
    Due,
    /// It is being given up.
    Ending,
    /// It is to be looked at again then, if it is one that is probed.
    Held {
        check: Option<Time>,
    },
    Lost,
    Paused {
        until: Time,
    },
    /// A probe is to be published, so many having been lost; at the moment, or after a pause.
    ProbeDue {
        lost: u32,
    },
    ProbePaused {
        lost: u32,
        until: Time,
    },
    /// A probe is on its way to Redis.
    ProbeSent {
        lost: u32,
        until: Time,
    },
    /// Redis has taken a probe, and it has to come back.
    Probing {
        lost: u32,
        until: Time,
    },
    /// It was asked for again and again, and nothing was answered.
    Stale,
}

impl Subscription {
    /// A subscription to be asked for when the connection is ready, as it may be already.
    pub(crate) const fn new(silence: Option<Duration>, ready: bool) -> Self {
        Self {
            state: if ready { State::Due } else { State::Lost },
            attempts: 0,
            silence,
            seen: Traffic { here: 0, connection: 0 },
            trusted: 0,
            dropped: false,
            proven: false,
            deaf: false,
            anew: false,
            unanswered: 0,
            release: Release::None,
        }
    }

    /// Whether messages come in, for all that is known.
    pub(crate) const fn is_held(&self) -> bool {
        match self.state {
            State::Held { .. } => true,
            State::ProbeDue { .. }
            | State::ProbePaused { .. }
            | State::ProbeSent { .. }
            | State::Probing { .. } => self.proven,
            _ => false,
        }
    }

    /// Whether it was given up, and Redis knows.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Gives the subscription up, for good.
    pub(crate) const fn close(&mut self) {
        self.release = Release::Final;
        if !matches!(self.state, State::Closed | State::Ending) {
            self.state = State::Closing;
        }
    }

    /// Gives the subscription up at `at`, unless it is wanted again.
    pub(crate) const fn release(&mut self, at: Time) {
        if matches!(self.release, Release::None) {
            self.release = Release::At(at);
        }
    }

    /// Keeps a subscription that was to be given up.
    pub(crate) const fn want(&mut self) {
        if matches!(self.release, Release::At(_)) {
            self.release = Release::None;
        }
    }

    /// Asks for the subscription once more: another one of its connection was confirmed, but deaf.
    pub(crate) fn doubt(&mut self, now: Time) {
        match self.state {
            // Its answer, which is on its way, is worth nothing.
            State::Asked { .. } => self.pause(now),
            State::Held { .. } => self.state = State::Due,
            _ => return,
        }
        self.anew = true;
    }

    /// Tries it out soon: something could not be published, and only a probe tells when that is over.
    pub(crate) fn verify(&mut self, now: Time) {
        if self.silence.is_some() && matches!(self.state, State::Held { .. }) {
            self.proven = true;
            self.state = State::ProbePaused { lost: 0, until: now + self.next_pause() };
        }
    }

    /// The connection can take subscriptions, for the first time or again.
    pub(crate) const fn handle_ready(&mut self) {
        if !self.is_ending() {
            self.attempts = 0;
            self.anew = false;
            self.unanswered = 0;
            self.state = State::Due;
        }
    }

    /// The connection is gone, and nothing that it was asked counts any more.
    ///
    /// What is to be given up still is: clients restore their subscriptions by themselves.
    pub(crate) const fn handle_lost(&mut self) {
        if !self.is_ending() {
            self.state = State::Lost;
        }
    }

    /// Redis confirmed the subscription.
    pub(crate) const fn handle_confirmed(&mut self) {
        if matches!(self.state, State::Asked { .. }) {
            self.unanswered = 0;
            if self.silence.is_some() {
                self.proven = false;
                self.state = State::ProbeDue { lost: 0 };
            } else {
                self.hold();
            }
        }
    }

    /// Redis has ended the subscription, while the connection is as ready as it was.
    pub(crate) fn handle_dropped(&mut self, now: Time) {
        match self.state {
            State::Asked { .. } => self.pause(now),
            State::Held { .. }
            | State::ProbeDue { .. }
            | State::ProbePaused { .. }
            | State::ProbeSent { .. }
            | State::Probing { .. } => self.state = State::Due,
            _ => return,
        }
        self.anew = false;
        self.dropped = true;
    }

    /// Redis or the client refused the subscription.
    pub(crate) fn handle_refused(&mut self, now: Time) {
        if matches!(self.state, State::Asked { .. }) {
            self.anew = false;
            self.unanswered = 0;
            self.pause(now);
        }
    }

    /// The subscription is given up; asked for anew if it was wanted again in the meantime.
    pub(crate) const fn handle_ended(&mut self, ready: bool) {
        if matches!(self.state, State::Ending) {
            self.state = match self.release {
                Release::None if ready => State::Due,
                Release::None => State::Lost,
                Release::At(_) | Release::Final => State::Closed,
            };
        }
    }

    /// Redis has taken the probe.
    pub(crate) fn handle_probe_taken(&mut self, now: Time) {
        if let State::ProbeSent { lost, .. } = self.state {
            self.state = State::Probing { lost, until: now + PROBE };
        }
    }

    /// The probe could not be published, which says nothing about the subscription.
    pub(crate) fn handle_probe_failed(&mut self, now: Time) {
        if let State::ProbeSent { lost, .. } = self.state {
            self.state = State::ProbePaused { lost, until: now + self.next_pause() };
        }
    }

    /// A probe of this server came back: the subscription lives, however late that is.
    ///
    /// While it is being asked for anew, a probe tells of the old one only.
    pub(crate) const fn handle_probe(&mut self) {
        if !self.is_ending() && !matches!(self.state, State::Asked { .. } | State::Lost) {
            self.hold();
        }
    }

    /// Time has come to `now`; harmless at any other time.
    pub(crate) fn handle_timeout(&mut self, now: Time, traffic: Traffic) {
        if matches!(self.release, Release::At(at) if at <= now) && !self.is_ending() {
            self.state = State::Closing;
        }
        match self.state {
            State::Asked { until } if until <= now => {
                self.unanswered = self.unanswered.saturating_add(1);
                if self.unanswered >= REQUESTS && self.silence.is_some() {
                    self.unanswered = 0;
                    self.state = State::Stale;
                } else {
                    self.pause(now);
                }
            }
            State::Held { check: Some(check) } if check <= now => self.check(now, traffic),
            State::Paused { until } if until <= now => self.state = State::Due,
            State::ProbePaused { lost, until } if until <= now => {
                self.state = State::ProbeDue { lost };
            }
            State::ProbeSent { until, .. } if until <= now => self.handle_probe_failed(now),
            State::Probing { lost, until } if until <= now => {
                let lost = lost.saturating_add(1);
                if self.proven && traffic.here != self.seen.here {
                    self.hold();
                } else if lost < PROBES {
                    self.state = State::ProbeDue { lost };
                } else {
                    self.deaf = true;
                    self.anew = true;
                    self.pause(now);
                }
            }
            _ => {}
        }
    }

    /// What to do next, `None` when there is nothing but to wait.
    pub(crate) fn poll_step(&mut self, now: Time, traffic: Traffic) -> Option<Step> {
        if std::mem::take(&mut self.deaf) {
            return Some(Step::Deaf);
        }
        match self.state {
            State::Due => {
                self.state = State::Asked { until: now + CONFIRMATION };
                Some(Step::Subscribe { anew: self.anew })
            }
            State::ProbeDue { lost } => {
                self.state = State::ProbeSent { lost, until: now + CONFIRMATION };
                Some(Step::Probe)
            }
            State::Closing => {
                self.state = State::Ending;
                Some(Step::Unsubscribe)
            }
            State::Stale => {
                // Where that is not to be had, it is asked for once more.
                self.pause(now);
                Some(Step::Reconnect)
            }
            State::Held { check: None } => {
                self.seen = traffic;
                self.state = State::Held { check: self.silence.map(|silence| now + silence) };
                None
            }
            _ => None,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), `None` for never.
    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        let until = match self.state {
            State::Asked { until }
            | State::Paused { until }
            | State::ProbePaused { until, .. }
            | State::ProbeSent { until, .. }
            | State::Probing { until, .. } => Some(until),
            State::Held { check } => check,
            _ => None,
        };
        match self.release {
            Release::At(at) if !self.is_ending() => Some(until.map_or(at, |until| until.min(at))),
            _ => until,
        }
    }

    const fn is_ending(&self) -> bool {
        matches!(self.state, State::Closed | State::Closing | State::Ending)
    }

    const fn hold(&mut self) {
        self.attempts = 0;
        self.dropped = false;
        self.anew = false;
        self.state = State::Held { check: None };
    }

    /// Looks whether something has come in since it was looked at last.
    ///
    /// Connections die more often than subscriptions, and one probe tells of a whole connection: so a
    /// probe is spared where the connection is alive, but not for ever.
    fn check(&mut self, now: Time, traffic: Traffic) {
        let seen = std::mem::replace(&mut self.seen, traffic);
        if traffic.here != seen.here {
            self.trusted = 0;
        } else if traffic.connection != seen.connection && self.trusted < TRUSTED {
            self.trusted = self.trusted.saturating_add(1);
        } else {
            self.trusted = 0;
            self.proven = true;
            self.state = State::ProbeDue { lost: 0 };
            return;
        }
        self.state = State::Held { check: self.silence.map(|silence| now + silence) };
    }

    fn pause(&mut self, now: Time) {
        self.state = State::Paused { until: now + self.next_pause() };
    }

    fn next_pause(&mut self) -> Duration {
        let longest = if self.dropped { LONGEST_WHILE_DROPPED } else { LONGEST_PAUSE };
        let doubled = FIRST_PAUSE.checked_shl(self.attempts).unwrap_or(longest);
        self.attempts = self.attempts.saturating_add(1).min(16);
        Duration::from_millis(doubled.min(longest))
    }
}

#[cfg(test)]
mod tests;
