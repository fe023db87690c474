//! Errors as `application/problem+json` (RFC 9457), made here and nowhere else.
//!
//! A program reads `code`, which never changes its meaning; a person reads `detail`. What failed inside is
//! logged under an incident number that the answer carries, and not told.

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use corrente_mdm::MdmError;
use corrente_registry::RegistryError;
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Nobody is signed in.
    SignedOut,
    /// The bearer token is unknown, expired or revoked.
    InvalidToken,
    /// Address or password is wrong.
    WrongCredentials,
    /// Too many attempts.
    TooManyAttempts,
    /// The request came from another site's page.
    CrossSite,
    /// The cookie would travel in the clear.
    InsecureTransport,
    /// The caller may not do this.
    Forbidden,
    /// It does not exist, or belongs to somebody else.
    NotFound,
    /// The address takes other methods.
    MethodNotAllowed,
    /// No measurer of the prototype has this number.
    UnknownMeasurer,
    /// The one-time code is unknown, used or expired.
    InvalidCode,
    /// A field is missing or has a value that is not allowed.
    InvalidField,
    /// The body is not the JSON that was expected.
    InvalidBody,
    /// There is one already.
    Exists,
    /// A file has mistakes, listed by line.
    InvalidFile,
    /// It cannot be done yet: something has to be there first.
    NotReady,
    /// The server cannot do it now.
    Unavailable,
    /// The server failed.
    Internal,
}

impl Code {
    /// Every code, for the documentation and its test.
    pub const ALL: [Self; 18] = [
        Self::SignedOut,
        Self::InvalidToken,
        Self::WrongCredentials,
        Self::TooManyAttempts,
        Self::CrossSite,
        Self::InsecureTransport,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnknownMeasurer,
        Self::InvalidCode,
        Self::InvalidField,
        Self::InvalidBody,
        Self::Exists,
        Self::InvalidFile,
        Self::NotReady,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The word that programs read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::InvalidToken => "invalid_token",
            Self::WrongCredentials => "wrong_credentials",
            Self::TooManyAttempts => "too_many_attempts",
            Self::CrossSite => "cross_site",
            Self::InsecureTransport => "insecure_transport",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnknownMeasurer => "unknown_measurer",
            Self::InvalidCode => "invalid_code",
            Self::InvalidField => "invalid_field",
            Self::InvalidBody => "invalid_body",
            Self::Exists => "exists",
            Self::InvalidFile => "invalid_file",
            Self::NotReady => "not_ready",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Its status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::SignedOut | Self::InvalidToken | Self::WrongCredentials => {
                StatusCode::UNAUTHORIZED
            }
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::CrossSite | Self::InsecureTransport | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownMeasurer => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidCode | Self::InvalidField | Self::InvalidFile => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::InvalidBody => StatusCode::BAD_REQUEST,
            Self::Exists | Self::NotReady => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What it means, the same each time.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SignedOut => "Nobody is signed in",
            Self::InvalidToken => "The token is not valid",
            Self::WrongCredentials => "The address or the password is wrong",
            Self::TooManyAttempts => "Too many attempts",
            Self::CrossSite => "The request came from another site",
            Self::InsecureTransport => "The connection is not encrypted",
            Self::Forbidden => "This is not allowed",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::UnknownMeasurer => "Non-existent identification",
            Self::InvalidCode => "The code is not valid",
            Self::InvalidField => "A field is not valid",
            Self::InvalidBody => "The body is not valid",
            Self::Exists => "There is one already",
            Self::InvalidFile => "The file has mistakes",
            Self::NotReady => "Not possible yet",
            Self::Unavailable => "Not available now",
            Self::Internal => "The server failed",
        }
    }
}

/// What is wrong at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FileMistake {
    /// The file.
    pub file: String,
    /// The line, the first one is 1.
    pub line: u64,
    /// The column's name.
    pub column: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
}

/// A refused request.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    field: Option<String>,
    incident: Option<String>,
    retry_after_seconds: Option<i64>,
    mistakes: Vec<FileMistake>,
}

/// A refused request, as it is sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the kind of problem: `urn:corrente:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The word that programs read; it never changes its meaning.
    pub code: String,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// The field, where one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Number under which the server's log tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Mistakes of a file, by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<FileMistake>,
}

impl Problem {
    /// A problem of this kind, in words for this case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
            incident: None,
            retry_after_seconds: None,
            mistakes: Vec::new(),
        }
    }

    /// A field is not valid.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Code::InvalidField, detail) }
    }

    /// It does not exist, or belongs to somebody else; the caller cannot tell which.
    pub fn not_found(kind: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {kind}, or it is not yours."))
    }

    /// A file has mistakes.
    pub fn mistakes(mistakes: Vec<FileMistake>) -> Self {
        let detail = match mistakes.len() {
            1 => "Nothing was imported: there is 1 mistake.".to_owned(),
            count => format!("Nothing was imported: there are {count} mistakes."),
        };
        Self { mistakes, ..Self::new(Code::InvalidFile, detail) }
    }

    /// The server failed. Logs the error; the answer carries only the number under which it stands.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let incident = incident();
        let mut causes = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push_str(": ");
            causes.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(incident, error = causes, "request failed");
        let detail = "The server could not do this. Try again; if it stays, report the number.";
        Self { incident: Some(incident), ..Self::new(Code::Internal, detail) }
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: i64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Its code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Its words.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// Short enough to read out on the telephone.
fn incident() -> String {
    let number = uuid::Uuid::now_v7().as_u128() & 0xFFFF_FFFF;
    format!("E-{number:08X}")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let document = ProblemDocument {
            kind: format!("urn:corrente:problem:{}", self.code.word()),
            title: self.code.title().to_owned(),
            status: status.as_u16(),
            code: self.code.word().to_owned(),
            detail: self.detail,
            field: self.field,
            incident: self.incident,
            mistakes: self.mistakes,
        };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<RegistryError> for Problem {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no case here is our own failure")]
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Exists(what) => {
                let field = what.split(' ').next().unwrap_or_default().to_owned();
                let detail = format!("There is already one with this {what}.");
                Self { field: Some(field), ..Self::new(Code::Exists, detail) }
            }
            RegistryError::NotFound { kind, .. } => Self::not_found(kind),
            RegistryError::Invalid { field, reason } => Self::field(field, reason),
            RegistryError::Tariff(error) => Self::field("content", error.to_string()),
            RegistryError::DiskFull | RegistryError::Closed => {
                Self::new(Code::Unavailable, error.to_string()).retry_after(30)
            }
            other => Self::internal(&other),
        }
    }
}

impl From<corrente_ledger::LedgerError> for Problem {
    fn from(error: corrente_ledger::LedgerError) -> Self {
        Self::internal(&error)
    }
}

impl From<MdmError> for Problem {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no case here is our own failure")]
    fn from(error: MdmError) -> Self {
        match error {
            MdmError::NotFound { kind, .. } => Self::not_found(kind),
            MdmError::Invalid { field, reason } => Self::field(field, reason),
            MdmError::NoTariff { .. }
            | MdmError::NotYet { .. }
            | MdmError::BilledAlready { .. }
            | MdmError::ItemBilled { .. }
            | MdmError::Billing(_)
            | MdmError::RunState { .. } => Self::new(Code::NotReady, error.to_string()),
            MdmError::Registry(error) => error.into(),
            MdmError::Stopping => Self::new(Code::Unavailable, error.to_string()).retry_after(30),
            other => Self::internal(&other),
        }
    }
}

impl From<tokio::task::JoinError> for Problem {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal(&error)
    }
}

/// A JSON body; what is wrong with one is a [`Problem`].
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Json::<T>::from_request(request, state).await.map(|Json(value)| Self(value)).map_err(
            |rejection: JsonRejection| Problem::new(Code::InvalidBody, rejection.body_text()),
        )
    }
}

/// The query's parameters; what is wrong with one is a [`Problem`].
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|query| Self(query.0))
            .map_err(|rejection: QueryRejection| {
                Problem::new(Code::InvalidField, rejection.body_text())
            })
    }
}

/// An id in the path; one that is none is a 404, like one that nobody has.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_: PathRejection| Problem::not_found("thing"))
    }
}
