//! E-mail over SMTP.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use crate::text::Letter;

/// How to reach the mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpConfig {
    /// Its name or address.
    pub host: String,
    /// Its port: usually 587 for `starttls`, 465 for `tls`, 25 for `none`.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User and password, where the server asks for them. They are only sent over TLS.
    pub credentials: Option<(String, String)>,
    /// Who the messages come from: `Name <address>`.
    pub from: String,
    /// Seconds until an attempt is given up.
    pub timeout_seconds: u64,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Not at all: for a server on this machine.
    None,
    /// By STARTTLS, which is required.
    StartTls,
    /// By TLS from the first byte.
    Tls,
}

/// Without the password.
impl std::fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// A configuration that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SmtpConfigError {
    /// The sender is no address.
    #[error("`{0}` cannot be the sender of e-mail: write `Name <address@example.org>`")]
    From(String),
    /// A password would travel in the clear.
    #[error("a mail password is only sent over TLS: set the security to starttls or tls")]
    PasswordInTheClear,
    /// The name cannot stand in a certificate.
    #[error("`{host}` is no name that TLS can check")]
    Tls {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: lettre::transport::smtp::Error,
    },
}

/// Why a message was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Another attempt may work.
    #[error("{0}")]
    Later(String),
    /// There is nobody at the other end any more.
    #[error("{0}")]
    Gone(String),
    /// No attempt will ever work: the address does not exist, the message is refused.
    #[error("{0}")]
    Never(String),
}

/// A mail server. Connections are kept and used again.
#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// A mail server by its configuration; nothing is connected yet.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(config: &SmtpConfig) -> Result<Self, SmtpConfigError> {
        let from = config.from.parse().map_err(|_| SmtpConfigError::From(config.from.clone()))?;
        if config.credentials.is_some() && config.security == SmtpSecurity::None {
            return Err(SmtpConfigError::PasswordInTheClear);
        }
        let parameters = || {
            TlsParameters::new(config.host.clone())
                .map_err(|source| SmtpConfigError::Tls { host: config.host.clone(), source })
        };
        let tls = match config.security {
            SmtpSecurity::None => Tls::None,
            SmtpSecurity::StartTls => Tls::Required(parameters()?),
            SmtpSecurity::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(Duration::from_secs(config.timeout_seconds.max(1))));
        if let Some((user, password)) = &config.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// The address that letters come from.
    pub fn sender(&self) -> &str {
        self.from.email.as_ref()
    }

    /// Delivers a letter. The key becomes the message's id, so that a mailbox can drop the second copy of a
    /// message that was delivered and whose answer was lost.
    ///
    /// # Errors
    /// When the server did not take it.
    pub async fn send(&self, to: &str, key: &str, letter: &Letter) -> Result<(), DeliveryError> {
        let to: Mailbox = to
            .parse()
            .map_err(|_| DeliveryError::Never("the recipient is no e-mail address".to_owned()))?;
        let domain = self.from.email.domain();
        let id: String =
            key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let builder = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject.clone())
            .message_id(Some(format!("<{id}@{domain}>")));
        let mail = match &letter.html {
            Some(html) => builder
                .multipart(MultiPart::alternative_plain_html(letter.body.clone(), html.clone())),
            None => builder.header(ContentType::TEXT_PLAIN).body(letter.body.clone()),
        };
        let mut mail = mail.map_err(|error| DeliveryError::Never(error.to_string()))?;
        // A program wrote it: no automatic answers to it.
        let mut headers = vec![("Auto-Submitted", "auto-generated".to_owned())];
        if let Some(unsubscribe) = &letter.unsubscribe {
            headers.push(("List-Unsubscribe", format!("<{unsubscribe}>")));
            headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        for (name, value) in headers {
            let name = HeaderName::new_from_ascii_str(name);
            mail.headers_mut().insert_raw(HeaderValue::new(name, value));
        }
        self.transport.send(mail).await.map(drop).map_err(|error| {
            let reason = reason(&error);
            if error.is_permanent() || error.is_client() {
                DeliveryError::Never(reason)
            } else {
                DeliveryError::Later(reason)
            }
        })
    }
}

/// The error with its causes, in one line.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text.replace(['\r', '\n'], " ")
}
