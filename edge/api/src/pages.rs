//! The portal's pages and files, as they were built, inside this program.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::Body,
    extract::{FromRequestParts as _, Query, Request, State},
    response::{IntoResponse, Response},
};
use corrente_metering::id::UsagePointId;
use corrente_registry::users::Role;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{
    Api, Code, Problem,
    auth::{Identity, Viewer, cookie},
    headers::{is_over_tls, secure_page},
    ops::me::{LANGUAGES, THEMES, language_of},
};

/// The built portal. A debug build reads it from disk, a release build holds it; both do without.
#[derive(RustEmbed)]
#[folder = "$CORRENTE_PORTAL_DIST"]
#[allow_missing = true]
struct Portal;

/// What stands in for a portal that was not built.
const NOT_BUILT: &str = include_str!("pages/not_built.html");

/// Answers whatever no operation answers: a file of the portal, its page for every other address, and a
/// problem for programs that asked for something that does not exist.
pub(crate) async fn serve(State(api): State<Api>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path();
    let ours = ["/api/", "/health/", "/metrics"].iter().any(|prefix| path.starts_with(prefix));
    let safe = parts.method == Method::GET || parts.method == Method::HEAD;
    if !safe {
        let detail = format!("{} is not possible on {path}.", parts.method);
        return Problem::new(Code::MethodNotAllowed, detail).into_response();
    }
    if ours {
        return Problem::new(Code::NotFound, format!("There is nothing at {path}."))
            .into_response();
    }
    let name = path.trim_start_matches('/');
    // Clients resolve `..` themselves; whoever sends it is looking for something else.
    let plain = !name.is_empty() && name.split('/').all(|part| !part.is_empty() && part != "..");
    let mut response = match Portal::get(name).filter(|_| plain) {
        Some(file) if name != "index.html" => asset(name, file, &parts.headers),
        _ if looks_like_a_file(name) => StatusCode::NOT_FOUND.into_response(),
        _ => {
            let home = home_of(&api, &mut parts).await;
            page(Portal::get("index.html"), &parts.headers, home)
        }
    };
    let over_tls = is_over_tls(&parts.extensions);
    secure_page(response.headers_mut(), api.config(), over_tls);
    response
}

/// The home that the first page of a customer's session is about.
async fn home_of(api: &Api, parts: &mut Parts) -> Option<UsagePointId> {
    if parts.uri.path() != "/" || !cookie::has_session(&parts.headers) {
        return None;
    }
    let Viewer(identity) = Viewer::from_request_parts(parts, api).await.ok()?;
    // An operator has all homes of a town, and begins with none of them.
    if matches!(&identity, Identity::User { user, .. } if user.role != Role::Customer) {
        return None;
    }
    let homes = api.registry().read(move |tx| identity.usage_points(tx)).await.ok()?;
    let asked = Query::<BTreeMap<String, String>>::try_from_uri(&parts.uri).ok()?;
    let asked = asked.get("home").and_then(|home| home.parse().ok());
    homes.iter().find(|home| Some(home.id) == asked).or(homes.first()).map(|home| home.id)
}

/// A page's address has no dot in its last part; a file that is not there must not become a page, which
/// a browser would try to run as a script.
fn looks_like_a_file(name: &str) -> bool {
    name.starts_with("assets/") || name.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

fn asset(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = file
        .metadata
        .sha256_hash()
        .iter()
        .take(12)
        .fold(String::new(), |tag, byte| format!("{tag}{byte:02x}"));
    let tag = format!("\"{tag}\"");
    // The names of files under assets/ change with their content.
    let cache = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let same = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = file.metadata.mimetype().to_owned();
        let (encoding, bytes) = encoded(name, file, headers);
        let mut response = Response::new(Body::from(bytes));
        let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
        if let Ok(kind) = HeaderValue::try_from(kind) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        if let Some(encoding) = encoding {
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    answer.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        answer.insert(header::ETAG, tag);
    }
    response
}

/// The file in the best encoding that stands beside it and that the client takes.
fn encoded(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> (Option<&'static str>, Vec<u8>) {
    let takes = |encoding: &str| {
        headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| {
                let mut words = part.split(';').map(str::trim);
                words.next() == Some(encoding) && !words.any(|word| word == "q=0")
            })
    };
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if takes(encoding)
            && let Some(smaller) = Portal::get(&format!("{name}.{ending}"))
        {
            return (Some(encoding), smaller.data.into_owned());
        }
    }
    (None, file.data.into_owned())
}

/// The portal's one page, or in a build without it the page that says how to build it. Language and theme
/// stand in its first bytes, so that nothing flickers and no inline script is needed; and it asks for its
/// texts and the figures of a home before its program has come, which would ask for them a round trip later.
fn page(index: Option<EmbeddedFile>, headers: &HeaderMap, home: Option<UsagePointId>) -> Response {
    let html = index
        .and_then(|file| String::from_utf8(file.data.into_owned()).ok())
        .unwrap_or_else(|| NOT_BUILT.to_owned());
    let html = dress(&html, headers, home);
    let mut response = Response::new(Body::from(html));
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
    response
}

/// Writes language and theme into the `<html>` tag, and at the end of the head what the program will ask for:
/// the language's texts, and the figures of a home.
fn dress(html: &str, headers: &HeaderMap, home: Option<UsagePointId>) -> String {
    let allowed = |name: &str, words: &[&'static str]| {
        let value = cookie::named(headers, name)?;
        words.iter().copied().find(|word| *word == value)
    };
    let language = allowed("lang", &LANGUAGES).unwrap_or_else(|| preferred(headers));
    let theme = allowed("theme", &THEMES).unwrap_or("auto");
    let texts = texts_in(language)
        .map(|file| format!("<link rel=\"modulepreload\" href=\"/{file}\" crossorigin>"));
    let figures = home.map(|home| {
        let address = format!("/api/v1/usage-points/{home}/home?language={language}");
        format!("<link rel=\"preload\" as=\"fetch\" href=\"{address}\" crossorigin>")
    });
    let hints: String = texts.into_iter().chain(figures).collect();
    html.replacen("lang=\"pt-BR\"", &format!("lang=\"{language}\""), 1)
        .replacen("data-theme=\"auto\"", &format!("data-theme=\"{theme}\""), 1)
        .replacen("</head>", &format!("{hints}</head>"), 1)
}

/// The file of a language's texts, whose name changes with its content.
fn texts_in(language: &str) -> Option<Cow<'static, str>> {
    let begins = format!("assets/{language}-");
    Portal::iter().find(|name| name.starts_with(&begins) && name.ends_with(".js"))
}

/// The first of the portal's languages that the browser asks for.
fn preferred(headers: &HeaderMap) -> &'static str {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked
        .unwrap_or_default()
        .split(',')
        .find_map(|part| language_of(part.split(';').next()?))
        .unwrap_or("pt-BR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_build_without_the_portal_says_how_to_build_it() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("lang=en; theme=dark"));
        let response = page(None, &headers, None);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        let html = std::str::from_utf8(&body).unwrap();
        assert!(html.contains("npm ci"), "{html}");
        // The policy of every page forbids what stands in the page itself.
        assert!(!html.contains("<script") && !html.contains("style"), "{html}");
    }

    #[test]
    fn language_and_theme_come_from_cookies_and_the_browser() {
        let html = "<html lang=\"pt-BR\" data-theme=\"auto\">";
        for (cookie, accept, expected) in [
            ("", "", "<html lang=\"pt-BR\" data-theme=\"auto\">"),
            ("", "fr-FR, en-GB;q=0.8", "<html lang=\"en\" data-theme=\"auto\">"),
            ("lang=en; theme=dark", "pt", "<html lang=\"en\" data-theme=\"dark\">"),
            ("lang=\"><script>; theme=pink", "", "<html lang=\"pt-BR\" data-theme=\"auto\">"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accept));
            assert_eq!(dress(html, &headers, None), expected, "{cookie} {accept}");
        }
    }
}
