//! One subscription that must hold: asked for when the connection is ready, tried out, asked for again.

use crate::time::{Duration, Time};

/// How long Redis may take to confirm a subscription, or to take a probe, before it is asked again.
const CONFIRMATION: Duration = Duration::from_millis(5_000);
/// How long a probe that Redis has taken may need to come back.
const PROBE: Duration = Duration::from_millis(1_000);
/// Lost probes in a row that prove the subscription dead.
const PROBES: u32 = 2;
/// The first pause after a refusal; it doubles with each further one.
const FIRST_PAUSE: u64 = 100;
/// The longest pause between two attempts, in milliseconds.
const LONGEST_PAUSE: u64 = 5_000;

/// What the host has to do for the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Publish a probe, which comes back if the subscription is alive.
    Probe,
    /// Ask Redis for the subscription.
    Subscribe,
    /// Give the subscription up.
    Unsubscribe,
}

/// The life of one subscription.
///
/// Confirmed is not held: a client may confirm a subscription that it then drops (ioredis 5 does,
/// when it is asked before the connection is ready), or stay deaf after a reconnection. So where one
/// stands for all of its connection, its confirmation is followed by a probe through Redis to this
/// very server.
#[derive(Debug)]
pub(crate) struct Subscription {
    state: State,
    /// Attempts since it last held.
    attempts: u32,
    /// Whether a probe has to come back.
    probed: bool,
    /// Whether it turned out to be dead though it was confirmed.
    deaf: bool,
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
    Held,
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
}

impl Subscription {
    /// A subscription to be asked for when the connection is ready, as it may be already.
    pub(crate) const fn new(probed: bool, ready: bool) -> Self {
        let state = if ready { State::Due } else { State::Lost };
        Self { state, attempts: 0, probed, deaf: false, release: Release::None }
    }

    /// Whether messages come in, for all that is known.
    pub(crate) const fn is_held(&self) -> bool {
        matches!(self.state, State::Held)
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

    /// Whether it was found deaf since this was asked last; then so may be all others of its connection.
    pub(crate) const fn take_deaf(&mut self) -> bool {
        std::mem::replace(&mut self.deaf, false)
    }

    /// Asks for the subscription once more: another one of its connection was confirmed, but deaf.
    pub(crate) fn doubt(&mut self, now: Time) {
        match self.state {
            // Its answer, which is on its way, is worth nothing.
            State::Asked { .. } => self.pause(now),
            State::Held => self.state = State::Due,
            _ => {}
        }
    }

    /// The connection can take subscriptions, for the first time or again.
    pub(crate) const fn handle_ready(&mut self) {
        if !self.is_ending() {
            self.attempts = 0;
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
            if self.probed {
                self.state = State::ProbeDue { lost: 0 };
            } else {
                self.attempts = 0;
                self.state = State::Held;
            }
        }
    }

    /// Redis or the client refused the subscription.
    pub(crate) fn handle_refused(&mut self, now: Time) {
        if matches!(self.state, State::Asked { .. }) {
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
            self.attempts = 0;
            self.state = State::Held;
        }
    }

    /// Time has come to `now`; harmless at any other time.
    pub(crate) fn handle_timeout(&mut self, now: Time) {
        if matches!(self.release, Release::At(at) if at <= now) && !self.is_ending() {
            self.state = State::Closing;
        }
        match self.state {
            State::Asked { until } if until <= now => self.pause(now),
            State::Paused { until } if until <= now => self.state = State::Due,
            State::ProbePaused { lost, until } if until <= now => {
                self.state = State::ProbeDue { lost };
            }
            State::ProbeSent { until, .. } if until <= now => self.handle_probe_failed(now),
            State::Probing { lost, until } if until <= now => {
                if lost + 1 < PROBES {
                    self.state = State::ProbeDue { lost: lost + 1 };
                } else {
                    self.deaf = true;
                    self.pause(now);
                }
            }
            _ => {}
        }
    }

    /// What to do next, `None` when there is nothing but to wait.
    pub(crate) fn poll_step(&mut self, now: Time) -> Option<Step> {
        match self.state {
            State::Due => {
                self.state = State::Asked { until: now + CONFIRMATION };
                Some(Step::Subscribe)
            }
            State::ProbeDue { lost } => {
                self.state = State::ProbeSent { lost, until: now + CONFIRMATION };
                Some(Step::Probe)
            }
            State::Closing => {
                self.state = State::Ending;
                Some(Step::Unsubscribe)
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

    fn pause(&mut self, now: Time) {
        self.state = State::Paused { until: now + self.next_pause() };
    }

    fn next_pause(&mut self) -> Duration {
        let doubled = FIRST_PAUSE.checked_shl(self.attempts).unwrap_or(LONGEST_PAUSE);
        self.attempts = self.attempts.saturating_add(1).min(16);
        Duration::from_millis(doubled.min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn asked() -> Subscription {
        let mut subscription = Subscription::new(true, false);
        subscription.handle_ready();
        assert_eq!(subscription.poll_step(at(0)), Some(Step::Subscribe));
        subscription
    }

    #[test]
    fn it_waits_for_the_connection() {
        let mut subscription = Subscription::new(true, false);
        assert_eq!(subscription.poll_step(at(0)), None);
        assert_eq!(subscription.poll_timeout(), None);
    }

    #[test]
    fn it_holds_when_a_probe_came_back() {
        let mut subscription = asked();
        subscription.handle_confirmed();
        assert!(!subscription.is_held());
        assert_eq!(subscription.poll_step(at(1)), Some(Step::Probe));
        subscription.handle_probe();
        assert!(subscription.is_held());
        assert_eq!(subscription.poll_step(at(2)), None);
        assert_eq!(subscription.poll_timeout(), None);
    }

    #[test]
    fn a_refusal_is_followed_by_longer_and_longer_pauses() {
        let mut subscription = asked();
        let mut now = at(0);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            subscription.handle_refused(now);
            let until = subscription.poll_timeout().expect("a pause");
            pauses.push(until.as_millis() - now.as_millis());
            assert_eq!(subscription.poll_step(now), None);
            now = until;
            subscription.handle_timeout(now);
            assert_eq!(subscription.poll_step(now), Some(Step::Subscribe));
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn a_subscription_that_is_confirmed_but_deaf_is_asked_for_again() {
        let mut subscription = asked();
        subscription.handle_confirmed();
        for probe in 0..2 {
            assert_eq!(subscription.poll_step(at(probe * 1_000)), Some(Step::Probe));
            subscription.handle_probe_taken(at(probe * 1_000));
            subscription.handle_timeout(at(probe * 1_000 + 1_000));
        }
        assert_eq!(subscription.poll_step(at(2_000)), None);
        subscription.handle_timeout(at(2_100));
        assert_eq!(subscription.poll_step(at(2_100)), Some(Step::Subscribe));
    }

    #[test]
    fn a_probe_that_comes_late_counts() {
        let mut subscription = asked();
        subscription.handle_confirmed();
        for probe in 0..2 {
            assert_eq!(subscription.poll_step(at(probe * 1_000)), Some(Step::Probe));
            subscription.handle_probe_taken(at(probe * 1_000));
            subscription.handle_timeout(at(probe * 1_000 + 1_000));
        }
        subscription.handle_probe();
        assert!(subscription.is_held());
        subscription.handle_lost();
        subscription.handle_probe();
        assert!(!subscription.is_held());
    }

    #[test]
    fn a_probe_that_cannot_be_published_is_tried_again_and_blames_nobody() {
        let mut subscription = asked();
        subscription.handle_confirmed();
        let mut now = at(0);
        for _ in 0..20 {
            assert_eq!(subscription.poll_step(now), Some(Step::Probe));
            subscription.handle_probe_failed(now);
            now = subscription.poll_timeout().expect("a pause");
            subscription.handle_timeout(now);
        }
        // Nor does one that nobody ever hears of.
        assert_eq!(subscription.poll_step(now), Some(Step::Probe));
        now = subscription.poll_timeout().expect("a limit");
        subscription.handle_timeout(now);
        now = subscription.poll_timeout().expect("a pause");
        subscription.handle_timeout(now);
        assert_eq!(subscription.poll_step(now), Some(Step::Probe));
    }

    #[test]
    fn silence_counts_as_a_refusal() {
        let mut subscription = asked();
        subscription.handle_timeout(at(4_999));
        assert_eq!(subscription.poll_timeout(), Some(at(5_000)));
        subscription.handle_timeout(at(5_000));
        assert_eq!(subscription.poll_timeout(), Some(at(5_100)));
    }

    #[test]
    fn a_lost_connection_ends_whatever_was_under_way() {
        let mut subscription = asked();
        subscription.handle_lost();
        subscription.handle_confirmed();
        assert_eq!(subscription.poll_step(at(1)), None);
        subscription.handle_ready();
        assert_eq!(subscription.poll_step(at(2)), Some(Step::Subscribe));
    }

    #[test]
    fn closing_unsubscribes_once_and_nothing_revives_it() {
        let mut subscription = asked();
        subscription.close();
        subscription.handle_confirmed();
        assert_eq!(subscription.poll_step(at(1)), Some(Step::Unsubscribe));
        subscription.close();
        subscription.handle_ready();
        subscription.handle_refused(at(2));
        assert_eq!(subscription.poll_step(at(3)), None);
        assert_eq!(subscription.poll_timeout(), None);
    }

    #[test]
    fn closing_without_a_connection_gives_up_what_the_client_would_restore() {
        let mut subscription = asked();
        subscription.handle_lost();
        subscription.close();
        subscription.handle_lost();
        assert_eq!(subscription.poll_step(at(0)), Some(Step::Unsubscribe));
        assert_eq!(subscription.poll_step(at(0)), None);
        subscription.handle_ended(false);
        assert!(subscription.is_closed());
    }

    #[test]
    fn one_that_is_not_probed_holds_when_it_is_confirmed() {
        let mut subscription = Subscription::new(false, true);
        assert_eq!(subscription.poll_step(at(0)), Some(Step::Subscribe));
        subscription.handle_confirmed();
        assert!(subscription.is_held());
    }

    #[test]
    fn one_that_is_wanted_again_in_time_is_kept() {
        let mut subscription = Subscription::new(false, true);
        subscription.poll_step(at(0));
        subscription.handle_confirmed();
        subscription.release(at(500));
        subscription.want();
        assert_eq!(subscription.poll_timeout(), None);
        subscription.release(at(900));
        subscription.handle_timeout(at(899));
        assert_eq!(subscription.poll_step(at(899)), None);
        subscription.handle_timeout(at(900));
        assert_eq!(subscription.poll_step(at(900)), Some(Step::Unsubscribe));
    }

    #[test]
    fn one_that_is_wanted_while_it_is_given_up_is_asked_for_afterwards() {
        let mut subscription = Subscription::new(false, true);
        subscription.poll_step(at(0));
        subscription.handle_confirmed();
        subscription.release(at(0));
        subscription.handle_timeout(at(0));
        assert_eq!(subscription.poll_step(at(0)), Some(Step::Unsubscribe));
        subscription.want();
        assert_eq!(subscription.poll_step(at(0)), None);
        subscription.handle_ended(true);
        assert_eq!(subscription.poll_step(at(1)), Some(Step::Subscribe));
    }

    #[test]
    fn a_probe_of_the_old_subscription_does_not_vouch_for_the_new_one() {
        let mut subscription = asked();
        subscription.handle_probe();
        assert!(!subscription.is_held());
        subscription.handle_refused(at(0));
        assert_eq!(subscription.poll_timeout(), Some(at(100)));
    }
}
