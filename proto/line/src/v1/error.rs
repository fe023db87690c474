//! What the head-end answers when it cannot go on.

use std::{borrow::Cow, fmt};

/// Why a line, or a connection, was refused. Stable words: a meter may decide by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The line is no JSON object.
    BadJson,
    /// A field is missing or has a value that is not allowed.
    BadField,
    /// The message's `type` is unknown, or belongs to the other side.
    UnknownType,
    /// Something else came before `hello`, or a second `hello`.
    BadOrder,
    /// The protocol version is not spoken here.
    BadVersion,
    /// Line longer than 1 MiB (`hello`: 16 KiB), or a batch of more than 10,000 readings.
    TooLong,
    /// The serial or the secret is wrong, or the token is unknown, used up or expired.
    NotAdmitted,
    /// The meter has no channel of this name.
    UnknownChannel,
    /// Too many connections, or too slow to read its answers.
    Limit,
    /// Nothing was heard for longer than the idle limit.
    Idle,
    /// The server cannot store readings now; come back later.
    Unavailable,
}

impl ErrorCode {
    /// All of them, for the documentation's completeness test.
    pub const ALL: [Self; 11] = [
        Self::BadJson,
        Self::BadField,
        Self::UnknownType,
        Self::BadOrder,
        Self::BadVersion,
        Self::TooLong,
        Self::NotAdmitted,
        Self::UnknownChannel,
        Self::Limit,
        Self::Idle,
        Self::Unavailable,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::BadField => "bad_field",
            Self::UnknownType => "unknown_type",
            Self::BadOrder => "bad_order",
            Self::BadVersion => "bad_version",
            Self::TooLong => "too_long",
            Self::NotAdmitted => "not_admitted",
            Self::UnknownChannel => "unknown_channel",
            Self::Limit => "limit",
            Self::Idle => "idle",
            Self::Unavailable => "unavailable",
        }
    }

    /// The code with this word.
    pub fn from_wire(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An `error` line: what was wrong, where, and what is expected. It is the last line of a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct LineError {
    /// The stable word.
    pub code: ErrorCode,
    /// The field that it is about.
    pub field: Option<Cow<'static, str>>,
    /// A sentence for a person.
    pub reason: Cow<'static, str>,
    /// The reading that it is about. It is refused for good: sending it again will not help.
    pub seq: Option<u64>,
}

impl LineError {
    /// An error without field and sequence number.
    pub fn new(code: ErrorCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, field: None, reason: reason.into(), seq: None }
    }

    /// A field that is missing or has a value that is not allowed.
    pub fn field(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: ErrorCode::BadField,
            field: Some(Cow::Borrowed(field)),
            reason: reason.into(),
            seq: None,
        }
    }

    /// The same error about this reading.
    #[must_use]
    pub fn of_reading(self, seq: u64) -> Self {
        Self { seq: Some(seq), ..self }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(field) = &self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.reason)
    }
}
