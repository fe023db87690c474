//! The prototype's HTTP routes: JSON as Python's `json.dumps` writes it, for pages of any origin.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use corrente_line::lab::{Historic, MAX_OBJECT_BYTES, Python, RequestError, Spent, Which};

use crate::{Lab, LabError};

impl Lab {
    /// The prototype's routes in front of `app`: whatever is none of them, `app` answers. So
    /// `POST /historic` is the prototype's and `GET /historic` is the portal's page.
    pub fn over(&self, app: Router) -> Router {
        app.layer(from_fn_with_state(self.clone(), answer))
    }

    /// The prototype's routes alone.
    pub fn router(&self) -> Router {
        self.over(Router::new())
    }
}

/// What a request asks of the prototype.
enum Route<'a> {
    /// Whether a page of another origin may ask.
    Preflight,
    Measurer(&'a str),
    History(&'a str),
    Invoice(&'a str),
    Spent,
    Historic(Which),
    /// A path that begins like one of these and is none.
    Null,
    /// A method that none of these has.
    WrongMethod,
}

fn route<'a>(method: &Method, path: &'a str) -> Option<Route<'a>> {
    let mut segments = path.strip_prefix('/')?.split('/');
    let (first, second, more) = (segments.next()?, segments.next(), segments.next().is_some());
    if !matches!(first, "measurer" | "spent" | "historic" | "invoice") {
        return None;
    }
    let reads = method == Method::GET || method == Method::HEAD;
    // The portal's pages; all its other addresses have a query and no further segment.
    if reads && matches!(first, "historic" | "invoice") && second.unwrap_or_default().is_empty() {
        return None;
    }
    if method == Method::OPTIONS {
        return Some(Route::Preflight);
    }
    let writes = method == Method::POST;
    Some(match (first, second) {
        _ if !reads && !writes => Route::WrongMethod,
        _ if more => Route::Null,
        ("measurer", Some(id)) if reads => Route::Measurer(id),
        ("historic", Some(id)) if reads => Route::History(id),
        ("invoice", Some(id)) if reads => Route::Invoice(id),
        ("spent", None) if writes => Route::Spent,
        ("historic", None) if writes => Route::Historic(Which::At),
        ("historic", Some("upper")) if writes => Route::Historic(Which::From),
        ("historic", Some("lower")) if writes => Route::Historic(Which::Until),
        _ => Route::Null,
    })
}

async fn answer(State(lab): State<Lab>, request: Request, next: Next) -> Response {
    let Some(route) = route(request.method(), request.uri().path()) else {
        return next.run(request).await;
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    if !peer.is_some_and(|peer| lab.allows(peer.ip())) {
        let reason = "lab mode answers this machine only: see lab.allow (--lab-allow)";
        return respond(StatusCode::FORBIDDEN, &Python::error(reason));
    }
    let outcome = match route {
        Route::Preflight => return preflight(),
        Route::Measurer(id) => lab.last(id).await.map(|last| Python::Bool(last.is_some())),
        Route::History(id) => lab.history(id, None).await,
        Route::Invoice(id) => lab.invoice(id).await,
        Route::Null => Ok(Python::None),
        Route::WrongMethod => {
            let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, &Python::None);
            let allowed = HeaderValue::from_static("GET, POST, OPTIONS");
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        Route::Spent => match body(request).await.and_then(|body| Spent::parse(&body)) {
            Ok(spent) => lab.spent(spent).await,
            Err(error) => return refuse(error),
        },
        Route::Historic(which) => {
            match body(request).await.and_then(|body| Historic::parse(&body, which)) {
                Ok(query) => lab.historic(query).await,
                Err(error) => return refuse(error),
            }
        }
    };
    match outcome {
        Ok(value) => respond(StatusCode::OK, &value),
        Err(error) => failed(&error),
    }
}

async fn body(request: Request) -> Result<Vec<u8>, RequestError> {
    let bytes = to_bytes(request.into_body(), MAX_OBJECT_BYTES).await;
    bytes.map(Vec::from).map_err(|_| RequestError::TooLarge)
}

fn refuse(error: RequestError) -> Response {
    respond(StatusCode::BAD_REQUEST, &Python::error(&error.to_string()))
}

fn failed(error: &LabError) -> Response {
    tracing::warn!(error = %error, "lab request failed");
    respond(StatusCode::SERVICE_UNAVAILABLE, &Python::error(&error.to_string()))
}

fn preflight() -> Response {
    let mut response = Body::empty().into_response();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let methods = HeaderValue::from_static("GET, POST, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, Content-Type"));
    response
}

fn respond(status: StatusCode, value: &Python) -> Response {
    let mut response = (status, value.json()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_the_portal_are_not_taken() {
        for (method, path, taken) in [
            (Method::GET, "/historic", false),
            (Method::GET, "/historic/", false),
            (Method::HEAD, "/invoice", false),
            (Method::GET, "/", false),
            (Method::GET, "/historical", false),
            (Method::GET, "/api/v1/me", false),
            (Method::GET, "/historic/1", true),
            (Method::GET, "/invoice/1", true),
            (Method::GET, "/measurer/1", true),
            (Method::GET, "/measurer", true),
            (Method::POST, "/historic", true),
            (Method::POST, "/spent", true),
            (Method::PUT, "/spent", true),
            (Method::OPTIONS, "/historic", true),
        ] {
            assert_eq!(route(&method, path).is_some(), taken, "{method} {path}");
        }
    }
}
