//! Security and caching headers.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, header, uri::Scheme};

use crate::ApiConfig;

/// What a page may load and do: only what this server sends, no inline script or style, and no page of
/// another site around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types sw";

const PAGE: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()",
    ),
];

/// Adds what belongs on every page and file of the portal.
pub(crate) fn secure_page(headers: &mut HeaderMap, config: &ApiConfig, over_tls: bool) {
    for (name, value) in PAGE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if over_tls || config.behind_tls {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=63072000"),
        );
    }
}

/// Did this server encrypt the connection? The listener says so in an extension.
pub(crate) fn is_over_tls(extensions: &http::Extensions) -> bool {
    extensions.get::<Scheme>() == Some(&Scheme::HTTPS)
}

/// Keeps answers with personal data out of every cache.
pub(crate) async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}
