//! Who may call an operation: every one says it in the OpenAPI document, and a test tries everybody else.

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Whoever is signed in, or in a lab session; a usage point that is not the own one is not found.
    Viewer,
    /// Whoever is signed in with an account.
    User,
    /// Operators and administrators.
    Operator,
    /// Administrators.
    Admin,
}

impl Access {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Public, Self::Viewer, Self::User, Self::Operator, Self::Admin];

    /// Its word in the document's `x-access`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Viewer => "viewer",
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The access with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.word() == word)
    }
}
