//! An adapter's life: made, connected, asked what to do, closed.

use std::collections::BTreeMap;

use js_sys::{Array, Object};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::adapter::{Adapter, ClientProtocol, Fault};
use crate::dialect::Dialect;
use crate::id::{Namespace, Uid};
use crate::options::{Options, SubscriptionMode, Value};
use crate::time::{Duration, Time};

use super::{Core, error};

#[wasm_bindgen]
impl Core {
    /// Makes the adapter of a namespace; gives its handle.
    ///
    /// `sharded`: whether it speaks the sharded dialect instead of the classic one; `text`: whether clients
    /// speak the default parser's protocol. Throws an `Error` with a `code` for a bad option or namespace.
    pub fn open(
        &mut self,
        nsp: &str,
        sharded: bool,
        options: &JsValue,
        text: bool,
    ) -> Result<usize, JsValue> {
        let uid = match dialect(sharded) {
            Dialect::Classic => Uid::from_random(random()?),
            Dialect::Sharded => Uid::hexadecimal(random()?),
        };
        let adapter = adapter(uid, nsp, dialect(sharded), options, text)?;
        self.last_handle = self.last_handle.wrapping_add(1);
        self.adapters.insert(self.last_handle, adapter);
        Ok(self.last_handle)
    }

    /// Makes an adapter again that another core had: with its handle and its uid, and no sockets yet.
    pub fn reopen(
        &mut self,
        handle: usize,
        uid: &str,
        nsp: &str,
        sharded: bool,
        options: &JsValue,
        text: bool,
    ) -> Result<(), JsValue> {
        let uid =
            Uid::parse(uid).map_err(|error| error::coded(error.code(), &error.to_string()))?;
        let mut adapter = adapter(uid, nsp, dialect(sharded), options, text)?;
        // Answers to requests of the other core may still come.
        adapter.number_requests_after(u32::from_le_bytes(random()?) >> 1);
        self.adapters.insert(handle, adapter);
        Ok(())
    }

    /// Says whether Redis does what it is asked in that order.
    #[wasm_bindgen(js_name = setOrdered)]
    pub fn set_ordered(&mut self, adapter: usize, ordered: bool) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.set_ordered(ordered);
        }
    }

    /// Gives no handle up to this one: somebody may still have it.
    #[wasm_bindgen(js_name = skipHandles)]
    pub fn skip_handles(&mut self, last: usize) {
        self.last_handle = self.last_handle.max(last);
    }

    /// Forgets a closed adapter.
    pub fn dispose(&mut self, adapter: usize) {
        self.adapters.remove(&adapter);
    }

    /// The adapter's name among the servers of the cluster.
    pub fn uid(&self, adapter: usize) -> Option<String> {
        self.adapters.get(&adapter).map(|adapter| adapter.uid().to_string())
    }

    /// The prefix of every channel: the option `key`.
    pub fn key(&self, adapter: usize) -> Option<String> {
        self.adapters.get(&adapter).map(|adapter| adapter.options().key.clone())
    }

    /// The channel of broadcasts that are not to exactly one room.
    pub fn channel(&self, adapter: usize) -> Option<String> {
        let adapter = self.adapters.get(&adapter)?;
        Some(adapter.channels().broadcast().to_owned())
    }

    /// The option `requestsTimeout`, in milliseconds.
    #[wasm_bindgen(js_name = requestsTimeout)]
    pub fn requests_timeout(&self, adapter: usize) -> Option<f64> {
        let adapter = self.adapters.get(&adapter)?;
        Some(adapter.options().requests_timeout.as_millis() as f64)
    }

    /// The channel whose subscribers are the servers of the cluster.
    #[wasm_bindgen(js_name = requestChannel)]
    pub fn request_channel(&self, adapter: usize) -> Option<String> {
        let adapter = self.adapters.get(&adapter)?;
        Some(adapter.channels().request().to_owned())
    }

    /// Whether the channels of rooms are subscribed to, one by one.
    #[wasm_bindgen(js_name = subscribesToRooms)]
    pub fn subscribes_to_rooms(&self, adapter: usize) -> bool {
        let mode = self.adapters.get(&adapter).map(|adapter| adapter.options().subscription_mode);
        mode.is_some_and(SubscriptionMode::subscribes_to_rooms)
    }

    /// Whether messages of other servers are known to arrive.
    #[wasm_bindgen(js_name = isSubscribed)]
    pub fn is_subscribed(&self, adapter: usize) -> bool {
        self.adapters.get(&adapter).is_some_and(Adapter::is_subscribed)
    }

    /// Counts a fault of the host, by its code (see [`Fault`]). Gives how often it has happened since it was told of last, if it
    /// is to be told of now, otherwise 0; `listening`: whether somebody would hear.
    pub fn report(&mut self, adapter: usize, code: &str, listening: bool, now: f64) -> u32 {
        let (Some(adapter), Some(fault)) =
            (self.adapters.get_mut(&adapter), Fault::from_code(code))
        else {
            return 0;
        };
        adapter.report(fault, listening, time(now)).unwrap_or_default()
    }

    /// The counters, as an object of numbers.
    pub fn stats(&self, adapter: usize) -> Result<JsValue, JsValue> {
        let stats = self.adapters.get(&adapter).map(Adapter::stats).unwrap_or_default();
        Ok(serde_wasm_bindgen::to_value(&stats)?)
    }

    /// Why the last message was malformed, or the last broadcast was not published.
    pub fn reason(&self) -> String {
        self.reason.clone()
    }

    /// Gives up the adapter's subscriptions, and ends its requests.
    pub fn close(&mut self, adapter: usize) {
        self.adapters.get_mut(&adapter).map(Adapter::close);
    }

    /// The subscribing connection is ready, for the first time or again.
    #[wasm_bindgen(js_name = handleReady)]
    pub fn handle_ready(&mut self, adapter: usize) {
        self.adapters.get_mut(&adapter).map(Adapter::handle_ready);
    }

    /// The subscribing connection is lost.
    #[wasm_bindgen(js_name = handleLost)]
    pub fn handle_lost(&mut self, adapter: usize) {
        self.adapters.get_mut(&adapter).map(Adapter::handle_lost);
    }

    /// Redis confirmed a subscription.
    #[wasm_bindgen(js_name = handleConfirmed)]
    pub fn handle_confirmed(&mut self, adapter: usize, id: u32) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_confirmed(id);
        }
    }

    /// A subscription was refused. `now` is in milliseconds of the host's monotonic clock.
    #[wasm_bindgen(js_name = handleRefused)]
    pub fn handle_refused(&mut self, adapter: usize, id: u32, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_refused(id, time(now));
        }
    }

    /// Redis has ended a subscription that it had confirmed.
    #[wasm_bindgen(js_name = handleDropped)]
    pub fn handle_dropped(&mut self, adapter: usize, name: &str, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_dropped(name, time(now));
        }
    }

    /// A subscription is given up.
    #[wasm_bindgen(js_name = handleEnded)]
    pub fn handle_ended(&mut self, adapter: usize, id: u32) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_ended(id);
        }
    }

    /// Redis has taken the message that was to be published.
    #[wasm_bindgen(js_name = handlePublished)]
    pub fn handle_published(&mut self, adapter: usize, token: u32, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_published(token, time(now));
        }
    }

    /// The message could not be published.
    #[wasm_bindgen(js_name = handlePublishFailed)]
    pub fn handle_publish_failed(&mut self, adapter: usize, token: u32, now: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.handle_publish_failed(token, time(now));
        }
    }

    /// The time that `pollTimeout` gave has come; the subscribing connection has brought so many messages.
    #[wasm_bindgen(js_name = handleTimeout)]
    pub fn handle_timeout(&mut self, adapter: usize, now: f64, traffic: f64) {
        if let Some(adapter) = self.adapters.get_mut(&adapter) {
            adapter.note_traffic(traffic as u64);
            adapter.handle_timeout(time(now));
        }
    }

    /// What to do next, as `{ type, … }` (see [`Output`](crate::adapter::Output)), or `undefined`.
    #[wasm_bindgen(js_name = pollOutput)]
    pub fn poll_output(&mut self, adapter: usize, now: f64) -> Result<JsValue, JsValue> {
        let output =
            self.adapters.get_mut(&adapter).and_then(|adapter| adapter.poll_output(time(now)));
        Ok(output.serialize(&Serializer::new().serialize_maps_as_objects(true))?)
    }

    /// When to call `handleTimeout`, in milliseconds of the host's clock; `undefined` for never.
    #[wasm_bindgen(js_name = pollTimeout)]
    pub fn poll_timeout(&self, adapter: usize) -> Option<f64> {
        let time = self.adapters.get(&adapter)?.poll_timeout()?;
        Some(time.as_millis() as f64)
    }
}

const fn dialect(sharded: bool) -> Dialect {
    if sharded { Dialect::Sharded } else { Dialect::Classic }
}

fn adapter(
    uid: Uid,
    nsp: &str,
    dialect: Dialect,
    options: &JsValue,
    text: bool,
) -> Result<Adapter, JsValue> {
    let options = Options::parse(dialect, &option_values(options))
        .map_err(|error| error::coded(error.code(), &error.to_string()))?;
    let nsp =
        Namespace::parse(nsp).map_err(|error| error::coded(error.code(), &error.to_string()))?;
    let protocol = if text { ClientProtocol::Text } else { ClientProtocol::Custom };
    let seed = u64::from_le_bytes(random()?);
    Ok(Adapter::new(uid, nsp, options, protocol, seed))
}

/// Bytes that nobody can predict.
fn random<const N: usize>() -> Result<[u8; N], JsValue> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| error::coded("ERR_NO_RANDOMNESS", &error.to_string()))?;
    Ok(bytes)
}

pub(super) fn time(now: f64) -> Time {
    Time::from_millis(now as u64)
}

/// How long answers are waited for; any number that a user may have given.
pub(super) fn duration(millis: Option<f64>) -> Option<Duration> {
    millis.map(|millis| Duration::from_millis(millis.ceil().max(1.0) as u64))
}

fn option_values(options: &JsValue) -> BTreeMap<String, Value> {
    let Some(options) = options.dyn_ref::<Object>() else {
        return BTreeMap::new();
    };
    Object::entries(options)
        .iter()
        .filter_map(|entry| {
            let entry = Array::from(&entry);
            Some((entry.get(0).as_string()?, option_value(&entry.get(1))))
        })
        .collect()
}

fn option_value(value: &JsValue) -> Value {
    if value.is_undefined() || value.is_null() {
        Value::Absent
    } else if let Some(flag) = value.as_bool() {
        Value::Bool(flag)
    } else if let Some(number) = value.as_f64() {
        Value::Number(number)
    } else {
        value.as_string().map_or(Value::Other, Value::Text)
    }
}
