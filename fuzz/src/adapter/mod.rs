//! One adapter, to which anything happens in any order.

mod acts;
mod books;
mod host;
mod messages;
mod operation;

use arbitrary::{Arbitrary, Unstructured};

use host::Host;
pub use messages::examples;
use operation::{Operation, Setting};

/// Does what any bytes say with an adapter. Whatever that is: outputs come to an end, as time does
/// between two timers, sockets are found as a naive model finds them, each request ends once, and
/// when the adapter is closed nothing of it is left.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setting) = Setting::arbitrary(&mut input) else { return };
    let mut host = Host::new(setting);
    while !input.is_empty() {
        let Ok(operation) = Operation::arbitrary(&mut input) else { break };
        host.perform(operation);
    }
    host.finish();
}
