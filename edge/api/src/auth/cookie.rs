//! The cookies: the session's, and the two that tell the server how to write the page.

use http::{HeaderMap, HeaderValue, Uri, header, request::Parts};

use crate::{ApiConfig, headers::is_over_tls};

/// The session where the connection is encrypted or stays on this machine.
const HOST_SESSION: &str = "__Host-sid";
/// The session over plain HTTP from elsewhere, where `--insecure-http` allows it.
const PLAIN_SESSION: &str = "sid";
/// How long a browser keeps a cookie; the session itself ends earlier, in the registry.
const KEEP_SECONDS: u32 = 400 * 86_400;

/// How the cookie of a new session must be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Encrypted, or to this machine itself: browsers keep `Secure` cookies.
    Secure,
    /// Plain, and allowed.
    Insecure,
    /// Plain, and not allowed: a browser would drop the cookie.
    Refused,
}

/// How this request came.
pub(crate) fn transport(
    config: &ApiConfig,
    extensions: &http::Extensions,
    uri: &Uri,
    headers: &HeaderMap,
) -> Transport {
    if config.behind_tls || is_over_tls(extensions) || is_loopback_name(host(uri, headers)) {
        Transport::Secure
    } else if config.insecure_http {
        Transport::Insecure
    } else {
        Transport::Refused
    }
}

/// The name by which the client calls this server, with the port.
pub(crate) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    uri.authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(header::HOST).and_then(|value| value.to_str().ok()))
        .unwrap_or_default()
}

/// Is this a name that browsers trust without encryption?
fn is_loopback_name(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split(']').next().map_or("", |name| name.trim_start_matches('['))
    } else {
        host.split(':').next().unwrap_or_default()
    };
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The session's cookie of this request.
pub(crate) fn session(parts: &Parts) -> Option<String> {
    named(&parts.headers, HOST_SESSION).or_else(|| named(&parts.headers, PLAIN_SESSION))
}

/// Does this request carry a session's cookie?
pub(crate) fn has_session(headers: &HeaderMap) -> bool {
    named(headers, HOST_SESSION).or_else(|| named(headers, PLAIN_SESSION)).is_some()
}

/// The value of a cookie.
pub(crate) fn named(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// Sets a session's cookie.
pub(crate) fn begin(secret: &str, transport: Transport) -> Option<HeaderValue> {
    let text = match transport {
        Transport::Secure => format!(
            "{HOST_SESSION}={secret}; Path=/; Max-Age={KEEP_SECONDS}; HttpOnly; SameSite=Lax; Secure"
        ),
        Transport::Insecure => format!(
            "{PLAIN_SESSION}={secret}; Path=/; Max-Age={KEEP_SECONDS}; HttpOnly; SameSite=Lax"
        ),
        Transport::Refused => return None,
    };
    HeaderValue::try_from(text).ok()
}

/// Takes both sessions' cookies back.
pub(crate) fn end() -> [HeaderValue; 2] {
    [
        HeaderValue::from_static("__Host-sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"),
        HeaderValue::from_static("sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"),
    ]
}

/// Sets, or with nothing takes back, a cookie that the page's first bytes depend on. It holds a word of
/// a short list and nothing personal.
pub(crate) fn preference(name: &str, value: Option<&str>) -> Option<HeaderValue> {
    let age = if value.is_some() { KEEP_SECONDS } else { 0 };
    let value = value.unwrap_or_default();
    HeaderValue::try_from(format!("{name}={value}; Path=/; Max-Age={age}; SameSite=Lax")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_are_trusted_without_encryption() {
        for (host, trusted) in [
            ("localhost:4005", true),
            ("corrente.localhost", true),
            ("127.0.0.1:4005", true),
            ("127.8.9.10", true),
            ("[::1]:4005", true),
            ("192.168.0.7:4005", false),
            ("localhost.example.com", false),
            ("evil-localhost", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_name(host), trusted, "{host}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-sid=s_2;theme=dark"));
        headers.append(header::COOKIE, HeaderValue::from_static("lang=en"));
        assert_eq!(named(&headers, "__Host-sid").as_deref(), Some("s_2"));
        assert_eq!(named(&headers, "lang").as_deref(), Some("en"));
        assert_eq!(named(&headers, "sid"), None);
    }
}
