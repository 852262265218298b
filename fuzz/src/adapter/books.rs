//! What the adapter asks of its host, and what must hold at every time.

use socketio_redis_edge::adapter::Output;
use socketio_redis_edge::dialect::classic::request::read_request;
use socketio_redis_edge::dialect::classic::response::read_response;
use socketio_redis_edge::dialect::classic::to_messagepack;
use socketio_redis_edge::rooms::NameId;
use socketio_redis_edge::time::Time;

use super::host::Host;

/// More outputs than any one thing that happens can have.
const ENDLESS: usize = 1_000;

/// As much is kept of what was published.
const KEPT: usize = 64;

/// The token of a probe.
const PROBE: u32 = 0;

impl Host {
    /// Does what the adapter asks for, until there is nothing.
    pub(super) fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.adapter.poll_output(self.time()) {
            self.note(output);
            outputs += 1;
            assert!(self.setting.lazy || outputs < ENDLESS, "there is no end of outputs");
        }
        assert_eq!(self.adapter.stats().open_requests as usize, self.open.len());
        // A call too early changes nothing.
        let timer = self.adapter.poll_timeout();
        if timer.is_none_or(|timer| timer > self.time()) {
            self.adapter.handle_timeout(self.time());
            assert_eq!(self.adapter.poll_output(self.time()), None);
            assert_eq!(self.adapter.poll_timeout(), timer);
        }
    }

    fn note(&mut self, output: Output) {
        match output {
            Output::Acknowledge { token, sockets, .. } => {
                assert!(self.events.insert(token), "event {token} comes twice");
                self.check_sockets(&sockets);
            }
            Output::Answer { request, .. }
            | Output::ClientCount { request, .. }
            | Output::Counted { request } => {
                assert!(self.open.contains(&request), "request {request} is over");
            }
            Output::Count { request, channels } => self.counts.push((request, channels.len())),
            Output::Disconnect { sockets, .. }
            | Output::Join { sockets, .. }
            | Output::Leave { sockets, .. } => self.check_sockets(&sockets),
            Output::Ended { request, .. } => {
                assert!(self.open.remove(&request), "request {request} ends twice");
            }
            Output::Fetch { sockets, reply } => {
                self.check_sockets(&sockets);
                self.described.push(reply);
            }
            Output::Forget { token } => {
                assert!(self.events.remove(&token), "event {token} is forgotten twice");
            }
            Output::Publish { token, channel, message } => self.publish(token, channel, message),
            Output::ServerSideEmit { reply, .. } => self.called.extend(reply),
            Output::Subscribe { id, .. } => {
                self.asked.insert(id);
            }
            Output::Unsubscribe { id, .. } => {
                self.asked.remove(&id);
                assert!(self.ending.insert(id), "subscription {id} is given up twice");
            }
            _ => {}
        }
    }

    /// Sockets are there, unless they went while the output waited.
    fn check_sockets(&self, sockets: &[u32]) {
        let is_socket = |&index: &u32| self.adapter.rooms().is_socket(NameId::from_index(index));
        assert!(!sockets.is_empty());
        assert!(self.setting.lazy || sockets.iter().all(is_socket));
    }

    fn publish(&mut self, token: Option<u32>, channel: String, message: Vec<u8>) {
        let channels = self.adapter.channels();
        let mut converted = Vec::new();
        let read = to_messagepack(&message, &mut converted).expect("it was written");
        if channel == channels.request() {
            assert!(read_request(read).is_ok_and(|request| request.is_some()));
        } else if channel.starts_with(channels.response()) {
            assert!(read_response(read).is_ok_and(|response| response.is_some()));
        } else {
            assert_eq!(channel, channels.probe(self.adapter.uid()));
            assert_eq!(token, Some(PROBE));
        }
        self.tokens.extend(token);
        self.published.push((channel.into_bytes(), message));
        if self.published.len() > KEPT {
            self.published.remove(0);
        }
    }

    /// Redis confirms all that it was asked for, takes the probe and brings it back.
    pub(super) fn confirm_all(&mut self) {
        for id in std::mem::take(&mut self.asked) {
            self.adapter.handle_confirmed(id);
        }
        self.drain();
        self.tokens.retain(|&token| token != PROBE);
        self.adapter.handle_published(PROBE, self.time());
        let channel = self.adapter.channels().probe(self.adapter.uid()).into_bytes();
        if let Some(place) = self.published.iter().rposition(|(name, _)| *name == channel) {
            let (channel, message) = self.published.remove(place);
            self.receive(&channel, &message);
        }
    }

    /// The clock moves on; once the timer has rung there is none that is due.
    pub(super) fn step_to(&mut self, millis: u64) {
        self.now = millis;
        self.adapter.handle_timeout(self.time());
        self.drain();
        let timer = self.adapter.poll_timeout();
        assert!(timer.is_none_or(|timer| timer > Time::from_millis(self.now)), "time stands still");
    }

    /// The end: nothing is left open.
    pub(super) fn finish(mut self) {
        self.adapter.close();
        self.drain();
        assert_eq!(self.open, [].into());
        assert_eq!(self.events, [].into());
        for id in std::mem::take(&mut self.ending) {
            self.adapter.handle_ended(id);
        }
        self.drain();
        assert_eq!(self.adapter.poll_timeout(), None);
        assert_eq!(self.adapter.stats().subscriptions, 0);
        assert!(!self.adapter.is_subscribed());
    }
}
