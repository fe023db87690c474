//! Refuses changes that another site's page asks a browser for.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Uri, header};

use super::cookie;
use crate::{Code, Problem};

/// A change must come from our own page, from the address bar, or from a program without a browser's
/// cookie. Fetch Metadata (W3C) says where a request comes from; older browsers say it in `Origin`.
pub(crate) async fn refuse_cross_site(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_our_own(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    Problem::new(
        Code::CrossSite,
        "Changes are taken from this site's own pages only, or with a bearer token.",
    )
    .into_response()
}

fn is_our_own(uri: &Uri, headers: &HeaderMap) -> bool {
    // A token is not sent by a browser on its own, so that no other site can use it.
    if headers.contains_key(header::AUTHORIZATION) {
        return true;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    if let Some(origin) = text("origin") {
        let named = origin.split_once("://").map_or("", |(_, authority)| authority);
        return !named.is_empty() && named.eq_ignore_ascii_case(cookie::host(uri, headers));
    }
    !cookie::has_session(headers)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_our_own_pages_change_things() {
        for (headers, ours) in [
            (vec![("sec-fetch-site", "same-origin"), ("cookie", "sid=x")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://localhost:4005")], false),
            (vec![("origin", "http://localhost:4005"), ("cookie", "sid=x")], true),
            (vec![("origin", "http://localhost:5173")], false),
            (vec![("origin", "https://evil.example")], false),
            (vec![("origin", "null")], false),
            (vec![("cookie", "__Host-sid=x")], false),
            (vec![("cookie", "theme=dark")], true),
            (vec![], true),
            (vec![("authorization", "Bearer x"), ("sec-fetch-site", "cross-site")], true),
        ] {
            let mut map = HeaderMap::new();
            map.insert(header::HOST, HeaderValue::from_static("localhost:4005"));
            for (name, value) in &headers {
                map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_our_own(&Uri::from_static("/api/v1/x"), &map), ours, "{headers:?}");
        }
    }
}
