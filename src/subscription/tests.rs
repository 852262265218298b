use super::*;

const SILENCE: Duration = Duration::from_millis(6_000);
const QUIET: Traffic = Traffic { here: 0, connection: 0 };

const fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// One that is not probed, and holds.
fn unprobed() -> Subscription {
    let mut subscription = Subscription::new(None, true);
    assert_eq!(subscription.poll_step(at(0), QUIET), Some(Step::Subscribe { anew: false }));
    subscription.handle_confirmed();
    subscription
}

fn asked() -> Subscription {
    let mut subscription = Subscription::new(Some(SILENCE), false);
    subscription.handle_ready();
    assert_eq!(subscription.poll_step(at(0), QUIET), Some(Step::Subscribe { anew: false }));
    subscription
}

#[test]
fn it_waits_for_the_connection() {
    let mut subscription = Subscription::new(Some(SILENCE), false);
    assert_eq!(subscription.poll_step(at(0), QUIET), None);
    assert_eq!(subscription.poll_timeout(), None);
}

#[test]
fn it_holds_when_a_probe_came_back() {
    let mut subscription = asked();
    subscription.handle_confirmed();
    assert!(!subscription.is_held());
    assert_eq!(subscription.poll_step(at(1), QUIET), Some(Step::Probe));
    subscription.handle_probe();
    assert!(subscription.is_held());
    assert_eq!(subscription.poll_step(at(2), QUIET), None);
    assert_eq!(subscription.poll_timeout(), Some(at(6_002)));
}

#[test]
fn one_that_redis_ends_is_asked_for_at_once() {
    let mut subscription = unprobed();
    assert!(subscription.is_held());
    subscription.handle_dropped(at(5));
    assert!(!subscription.is_held());
    assert_eq!(subscription.poll_step(at(5), QUIET), Some(Step::Subscribe { anew: false }));
    // Redis ends what it has not confirmed: who asks at once would get the same.
    subscription.handle_dropped(at(6));
    assert_eq!(subscription.poll_step(at(6), QUIET), None);
    assert_eq!(subscription.poll_timeout(), Some(at(106)));
    subscription.close();
    subscription.handle_dropped(at(7));
    assert_eq!(subscription.poll_step(at(7), QUIET), Some(Step::Unsubscribe));
}

#[test]
fn what_redis_has_ended_is_asked_for_at_short_intervals() {
    let mut subscription = unprobed();
    subscription.handle_dropped(at(0));
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Subscribe { anew: false }));
        subscription.handle_refused(now);
        let until = subscription.poll_timeout().expect("a pause");
        pauses.push(until.as_millis() - now.as_millis());
        now = until;
        subscription.handle_timeout(now, QUIET);
    }
    assert_eq!(pauses, [100, 200, 400, 800, 800, 800]);
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
        assert_eq!(subscription.poll_step(now, QUIET), None);
        now = until;
        subscription.handle_timeout(now, QUIET);
        assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Subscribe { anew: false }));
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
}

#[test]
fn a_subscription_that_is_confirmed_but_deaf_is_asked_for_again() {
    let mut subscription = asked();
    subscription.handle_confirmed();
    for probe in 0..3 {
        assert_eq!(subscription.poll_step(at(probe * 2_000), QUIET), Some(Step::Probe));
        subscription.handle_probe_taken(at(probe * 2_000));
        subscription.handle_timeout(at(probe * 2_000 + 2_000), QUIET);
    }
    assert_eq!(subscription.poll_step(at(6_000), QUIET), Some(Step::Deaf));
    assert_eq!(subscription.poll_step(at(6_000), QUIET), None);
    subscription.handle_timeout(at(6_100), QUIET);
    assert_eq!(subscription.poll_step(at(6_100), QUIET), Some(Step::Subscribe { anew: true }));
}

#[test]
fn a_probe_that_comes_late_counts() {
    let mut subscription = asked();
    subscription.handle_confirmed();
    for probe in 0..3 {
        assert_eq!(subscription.poll_step(at(probe * 2_000), QUIET), Some(Step::Probe));
        subscription.handle_probe_taken(at(probe * 2_000));
        subscription.handle_timeout(at(probe * 2_000 + 2_000), QUIET);
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
        assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Probe));
        subscription.handle_probe_failed(now);
        now = subscription.poll_timeout().expect("a pause");
        subscription.handle_timeout(now, QUIET);
    }
    // Nor does one that nobody ever hears of.
    assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Probe));
    now = subscription.poll_timeout().expect("a limit");
    subscription.handle_timeout(now, QUIET);
    now = subscription.poll_timeout().expect("a pause");
    subscription.handle_timeout(now, QUIET);
    assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Probe));
}

#[test]
fn silence_counts_as_a_refusal() {
    let mut subscription = asked();
    subscription.handle_timeout(at(4_999), QUIET);
    assert_eq!(subscription.poll_timeout(), Some(at(5_000)));
    subscription.handle_timeout(at(5_000), QUIET);
    assert_eq!(subscription.poll_timeout(), Some(at(5_100)));
}

#[test]
fn a_lost_connection_ends_whatever_was_under_way() {
    let mut subscription = asked();
    subscription.handle_lost();
    subscription.handle_confirmed();
    assert_eq!(subscription.poll_step(at(1), QUIET), None);
    subscription.handle_ready();
    assert_eq!(subscription.poll_step(at(2), QUIET), Some(Step::Subscribe { anew: false }));
}

#[test]
fn closing_unsubscribes_once_and_nothing_revives_it() {
    let mut subscription = asked();
    subscription.close();
    subscription.handle_confirmed();
    assert_eq!(subscription.poll_step(at(1), QUIET), Some(Step::Unsubscribe));
    subscription.close();
    subscription.handle_ready();
    subscription.handle_refused(at(2));
    assert_eq!(subscription.poll_step(at(3), QUIET), None);
    assert_eq!(subscription.poll_timeout(), None);
}

#[test]
fn closing_without_a_connection_gives_up_what_the_client_would_restore() {
    let mut subscription = asked();
    subscription.handle_lost();
    subscription.close();
    subscription.handle_lost();
    assert_eq!(subscription.poll_step(at(0), QUIET), Some(Step::Unsubscribe));
    assert_eq!(subscription.poll_step(at(0), QUIET), None);
    subscription.handle_ended(false);
    assert!(subscription.is_closed());
}

#[test]
fn one_that_is_not_probed_holds_when_it_is_confirmed() {
    assert!(unprobed().is_held());
}

#[test]
fn one_that_is_wanted_again_in_time_is_kept() {
    let mut subscription = unprobed();
    subscription.release(at(500));
    subscription.want();
    assert_eq!(subscription.poll_timeout(), None);
    subscription.release(at(900));
    subscription.handle_timeout(at(899), QUIET);
    assert_eq!(subscription.poll_step(at(899), QUIET), None);
    subscription.handle_timeout(at(900), QUIET);
    assert_eq!(subscription.poll_step(at(900), QUIET), Some(Step::Unsubscribe));
}

#[test]
fn one_that_is_wanted_while_it_is_given_up_is_asked_for_afterwards() {
    let mut subscription = unprobed();
    subscription.release(at(0));
    subscription.handle_timeout(at(0), QUIET);
    assert_eq!(subscription.poll_step(at(0), QUIET), Some(Step::Unsubscribe));
    subscription.want();
    assert_eq!(subscription.poll_step(at(0), QUIET), None);
    subscription.handle_ended(true);
    assert_eq!(subscription.poll_step(at(1), QUIET), Some(Step::Subscribe { anew: false }));
}

#[test]
fn a_probe_of_the_old_subscription_does_not_vouch_for_the_new_one() {
    let mut subscription = asked();
    subscription.handle_probe();
    assert!(!subscription.is_held());
    subscription.handle_refused(at(0));
    assert_eq!(subscription.poll_timeout(), Some(at(100)));
}

/// One that has held since the beginning.
fn held() -> Subscription {
    let mut subscription = asked();
    subscription.handle_confirmed();
    assert_eq!(subscription.poll_step(at(0), QUIET), Some(Step::Probe));
    subscription.handle_probe();
    assert_eq!(subscription.poll_step(at(0), QUIET), None);
    subscription
}

#[test]
fn a_long_silence_is_followed_by_a_probe_and_nobody_waits_for_that() {
    let mut subscription = held();
    subscription.handle_timeout(at(5_999), QUIET);
    assert_eq!(subscription.poll_step(at(5_999), QUIET), None);
    subscription.handle_timeout(at(6_000), QUIET);
    assert_eq!(subscription.poll_step(at(6_000), QUIET), Some(Step::Probe));
    subscription.handle_probe_taken(at(6_001));
    assert!(subscription.is_held());
    subscription.handle_probe();
    assert_eq!(subscription.poll_step(at(6_002), QUIET), None);
    assert_eq!(subscription.poll_timeout(), Some(at(12_002)));
}

#[test]
fn what_comes_in_spares_the_probe() {
    let mut subscription = held();
    for number in 1..=20 {
        let now = at(number * 6_000);
        let traffic = Traffic { here: number, connection: number };
        subscription.handle_timeout(now, traffic);
        assert_eq!(subscription.poll_step(now, traffic), None);
    }
}

#[test]
fn what_others_of_its_connection_get_spares_it_for_a_while() {
    let mut subscription = held();
    let mut steps = Vec::new();
    for number in 1..=6 {
        let now = at(number * 6_000);
        let traffic = Traffic { here: 0, connection: number };
        subscription.handle_timeout(now, traffic);
        steps.push(subscription.poll_step(now, traffic));
    }
    assert_eq!(steps, [None, None, None, None, None, Some(Step::Probe)]);
}

#[test]
fn one_that_died_in_silence_is_asked_for_anew_and_then_its_connection_is_given_up() {
    let mut subscription = held();
    let mut now = at(6_000);
    for _ in 0..3 {
        subscription.handle_timeout(now, QUIET);
        assert!(subscription.is_held());
        assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Probe));
        subscription.handle_probe_taken(now);
        now = now + Duration::from_millis(2_000);
    }
    subscription.handle_timeout(now, QUIET);
    assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Deaf));
    let mut steps = Vec::new();
    for _ in 0..7 {
        subscription.handle_timeout(now, QUIET);
        assert!(!subscription.is_held());
        steps.extend(subscription.poll_step(now, QUIET));
        now = subscription.poll_timeout().expect("it is never given up");
    }
    let anew = Step::Subscribe { anew: true };
    assert_eq!(steps, [anew, anew, anew, Step::Reconnect]);
    subscription.handle_lost();
    subscription.handle_ready();
    assert_eq!(subscription.poll_step(now, QUIET), Some(Step::Subscribe { anew: false }));
}

#[test]
fn messages_that_come_in_while_a_probe_is_under_way_vouch_for_it() {
    let mut subscription = held();
    subscription.handle_timeout(at(6_000), QUIET);
    assert_eq!(subscription.poll_step(at(6_000), QUIET), Some(Step::Probe));
    subscription.handle_probe_taken(at(6_000));
    let traffic = Traffic { here: 1, connection: 1 };
    subscription.handle_timeout(at(8_000), traffic);
    assert_eq!(subscription.poll_step(at(8_000), traffic), None);
    assert_eq!(subscription.poll_timeout(), Some(at(14_000)));
}

#[test]
fn one_is_tried_out_soon_after_something_could_not_be_published() {
    let mut subscription = held();
    subscription.verify(at(1_000));
    assert!(subscription.is_held());
    assert_eq!(subscription.poll_timeout(), Some(at(1_100)));
    subscription.handle_timeout(at(1_100), QUIET);
    assert_eq!(subscription.poll_step(at(1_100), QUIET), Some(Step::Probe));
    subscription.handle_probe_failed(at(1_101));
    assert_eq!(subscription.poll_timeout(), Some(at(1_301)));
    assert!(subscription.is_held());
}

#[test]
fn one_that_is_not_probed_never_is() {
    let mut subscription = unprobed();
    subscription.verify(at(0));
    assert_eq!(subscription.poll_step(at(0), QUIET), None);
    assert_eq!(subscription.poll_timeout(), None);
}
