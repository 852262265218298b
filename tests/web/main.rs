//! The boundary to JavaScript in a browser, driven as `js/src/boundary.ts` drives it.

#![cfg(all(target_arch = "wasm32", feature = "wasm"))]

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};

mod adapters;
mod boundary;
mod packets;
mod values;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// The `code` of an error.
fn code(error: &JsValue) -> String {
    let code = Reflect::get(error, &"code".into()).expect("an object");
    assert!(error.is_instance_of::<js_sys::Error>());
    code.as_string().unwrap_or_default()
}
