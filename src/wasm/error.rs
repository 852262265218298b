//! Errors on their way to JavaScript.

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;

/// An `Error` whose `code` says what happened, for programs.
pub(super) fn coded(code: &str, message: &str) -> JsValue {
    let error = JsValue::from(Error::new(message));
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error
}
